/**
 * Entry of a process that asks for an adapter and ends, so that layers of the driver which print
 * what they see are heard. It computes nothing.
 */
if (import.meta.main) await navigator.gpu?.requestAdapter();
