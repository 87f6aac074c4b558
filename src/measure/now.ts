/** The clock of measurements. */

/** Seconds now. */
export function now(): number {
  return performance.now() / 1000;
}
