/**
 * The addition of the gradient reduction tree, bitwise identical on every device. Devices may flush
 * subnormals and drop signs of zero and NaN payloads, so all implementations do: inputs and results
 * with exponent 0 (zero, -0, subnormal) become +0; every NaN is 0x7fc00000; all else is IEEE 754
 * single precision, rounded to nearest even.
 */

/** Smallest normal f32; smaller magnitudes are flushed to +0. */
const SMALLEST = 2 ** -126;
/** At or above this magnitude flushing does not change a sum: subnormals are below half an ulp. */
const PLAIN = 2 ** -100;
const NAN_BITS = 0x7fc00000;

/** The sum of two f32 values, as the tree adds them. */
export function treeAdd(a: number, b: number): number {
  // The f64 sum of two f32 rounds to the f32 sum: 53 bits are more than twice 24 and two (Figueroa,
  // "When is double rounding innocuous?", SIGNUM 1995).
  return flush(Math.fround(flush(a) + flush(b)));
}

function flush(x: number): number {
  return Math.abs(x) < SMALLEST ? 0 : x;
}

/**
 * Writes the elementwise sums of `left` and `right` to `target`, which may alias either. \
 * RangeError unless the lengths are equal.
 */
export function treeAddInto(target: Float32Array, left: Float32Array, right: Float32Array): void {
  const n = target.length;
  for (const { length } of [left, right]) {
    if (length === n) continue;
    throw new RangeError(`Cannot add arrays: needs equal lengths: ${n} and ${length}`);
  }
  const bits = new Uint32Array(target.buffer, target.byteOffset, n);
  for (let i = 0; i < n; i++) {
    const a = left[i] as number;
    const b = right[i] as number;
    const sum = a + b;
    if (Math.abs(sum) >= PLAIN) target[i] = sum;
    else if (sum === 0) target[i] = 0; // -0 as well
    else {
      const careful = treeAdd(a, b);
      if (careful === careful) target[i] = careful;
      else bits[i] = NAN_BITS; // a NaN that is stored as a float may keep bits of its own
    }
  }
}
