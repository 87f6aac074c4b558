/** Converts 16-bit floats to f32, which is exact. Pure. */

/** Elements of a dtype from little-endian bytes, or undefined for any other dtype. */
export function widened(dtype: string, bytes: Uint8Array<ArrayBuffer>): Float32Array | undefined {
  switch (dtype) {
    case "F32":
      return new Float32Array(aligned(bytes, 4));
    case "F16":
      return new Float32Array(new Float16Array(aligned(bytes, 2)));
    case "BF16":
      return widenBrain(new Uint16Array(aligned(bytes, 2)));
  }
}

/** A copy of the bytes, which may not be aligned in the file. */
function aligned(bytes: Uint8Array<ArrayBuffer>, element: number): ArrayBuffer {
  const whole = Math.floor(bytes.length / element) * element;
  return bytes.slice(0, whole).buffer;
}

/** bfloat16 is the upper half of an f32. */
function widenBrain(halves: Uint16Array): Float32Array {
  const out = new Float32Array(halves.length);
  const bits = new Uint32Array(out.buffer);
  for (let i = 0; i < halves.length; i++) bits[i] = (halves[i] as number) << 16;
  return out;
}
