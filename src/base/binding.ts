/** The WebGPU default limit for bindings: kernels that stay within it run on every adapter. */

/** Bytes of the largest binding that every adapter grants (WebGPU, "Limits"). */
export const LEAST_BINDING = 128 * 1024 * 1024;
