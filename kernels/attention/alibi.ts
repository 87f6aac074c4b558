/**
 * Attention with linear biases: a head's scores fall with the distance between query and key, so a
 * model needs no position embeddings. Source: Press, Smith, Lewis, "Train Short, Test Long" (2022),
 * section 3.
 */

/**
 * Slopes of `heads` heads: head h adds -slope[h] (i - j) to the score of query position i and key
 * position j. For a power of two they are the powers 1, 2, ... of 2^(-8 / heads). Other numbers take
 * those of the next smaller power of two, then every second one of its double, as the authors' code
 * does. @throws {RangeError} unless `heads` is a positive integer.
 */
export function alibiSlopes(heads: number): readonly number[] {
  if (!Number.isInteger(heads) || heads < 1) {
    throw new RangeError(`Cannot make ALiBi slopes: need a positive number of heads: ${heads}`);
  }
  const smaller = 2 ** Math.floor(Math.log2(heads));
  const slope = (power: number, of: number) => 2 ** (-8 * power / of);
  return Array.from(
    { length: heads },
    (_, h) => h < smaller ? slope(h + 1, smaller) : slope(2 * (h - smaller) + 1, 2 * smaller),
  );
}
