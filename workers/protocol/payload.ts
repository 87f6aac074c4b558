/** Views of payloads as typed arrays, without a copy: frames align their payloads. */

/** A payload as f32. */
export function floatsOf(payload: Uint8Array): Float32Array {
  return new Float32Array(payload.buffer as ArrayBuffer, payload.byteOffset, payload.length / 4);
}

/** A payload as u32. */
export function wordsOf(payload: Uint8Array): Uint32Array {
  return new Uint32Array(payload.buffer as ArrayBuffer, payload.byteOffset, payload.length / 4);
}

/** A payload as f64. */
export function doublesOf(payload: Uint8Array): Float64Array {
  return new Float64Array(payload.buffer as ArrayBuffer, payload.byteOffset, payload.length / 8);
}
