/** Converts f32 to 16-bit floats, rounding to nearest, ties to even. Pure. */

/** Element types that files of weights can have. */
export type WeightType = "f32" | "f16" | "bf16";

/** The name of a type in the header of a file, and the bytes of an element. */
export const WEIGHT_TYPES: Readonly<
  Record<WeightType, { readonly dtype: string; readonly bytes: number }>
> = {
  f32: { dtype: "F32", bytes: 4 },
  f16: { dtype: "F16", bytes: 2 },
  bf16: { dtype: "BF16", bytes: 2 },
};

/** Little-endian bytes of the elements in a type; f32 is not copied. */
export function narrowed(data: Float32Array, type: WeightType): Uint8Array {
  const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
    new Uint8Array(buffer, byteOffset, byteLength);
  switch (type) {
    case "f32":
      return bytesOf(data);
    case "f16":
      return bytesOf(new Float16Array(data));
    case "bf16":
      return bytesOf(brainFloats(data));
  }
}

/** The upper halves of the elements, rounded; a NaN stays one. */
function brainFloats(data: Float32Array): Uint16Array {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  return Uint16Array.from(bits, (word, i) => {
    if (Number.isNaN(data[i])) return 0x7fc0;
    // Adding half of the last kept bit carries where the rest is above half, or half and odd.
    return (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  });
}
