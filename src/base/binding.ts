/** The smallest of the limits that adapters have; what keeps to it runs on all of them alike. */

/** Bytes of the largest binding that every adapter grants (WebGPU, "Limits"). */
export const LEAST_BINDING = 128 * 1024 * 1024;
