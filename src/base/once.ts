/** Lazy values. */

/** A function that calls `make` once and returns the cached value afterwards. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
