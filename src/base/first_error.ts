/** Which of several errors is told: the first one, whatever failed while things were cleared away. */

/** The error that a block ended with; `using` hides it where disposing throws as well. */
export function firstError(error: unknown): unknown {
  let first = error;
  while (first instanceof SuppressedError) first = first.suppressed;
  return first;
}
