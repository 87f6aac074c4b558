/** Safetensors files of any dtype, as others write them. */

/** A safetensors file of tensors given as dtype, shape and bytes. */
export function foreignFile(
  tensors: Readonly<Record<string, readonly [string, readonly number[], Uint8Array]>>,
): Uint8Array<ArrayBuffer> {
  let at = 0;
  const header = Object.entries(tensors).map(([name, [dtype, shape, bytes]]) => {
    const entry = { dtype, shape, data_offsets: [at, at + bytes.length] };
    at += bytes.length;
    return [name, entry];
  });
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const out = new Uint8Array(8 + json.length + at);
  new DataView(out.buffer).setBigUint64(0, BigInt(json.length), true);
  out.set(json, 8);
  let place = 8 + json.length;
  for (const [, , bytes] of Object.values(tensors)) {
    out.set(bytes, place);
    place += bytes.length;
  }
  return out;
}
