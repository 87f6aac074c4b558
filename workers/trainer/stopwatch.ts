/** Measures laps on a steady clock. */

/** Starts a clock; each call returns the milliseconds since the previous one. */
export function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const lap = now - last;
    last = now;
    return lap;
  };
}
