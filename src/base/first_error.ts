/** Unwraps suppressed errors. */

/**
 * The error that a block threw. If disposing a `using` variable throws as well, the runtime throws a
 * SuppressedError with the second error in front.
 */
export function firstError(error: unknown): unknown {
  let first = error;
  while (first instanceof SuppressedError) first = first.suppressed;
  return first;
}
