/**
 * Entry of a process that requests an adapter and exits, to capture what Vulkan layers of the
 * driver print on enumeration.
 */
if (import.meta.main) await navigator.gpu?.requestAdapter();
