/**
 * Entry of a process that requests an adapter, prints the name of its card, and exits. It captures
 * what Vulkan layers of the driver print on enumeration, and keeps a driver that crashes or hangs out
 * of the process that asks.
 */
if (import.meta.main) {
  const adapter = await navigator.gpu?.requestAdapter();
  if (adapter) console.log(adapter.info.description || adapter.info.vendor || "unnamed adapter");
}
