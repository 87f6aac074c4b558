/** Files of f32 tensors in the safetensors format. Knows nothing of steps or manifests. */
import { bytesOf } from "../base/hash.ts";
import { type Digest, type Hook, readWhole, writeNew } from "./files.ts";
import { encodeHeader, type Metadata, parseHeader } from "./header.ts";
import type { NamedTensor } from "./tensor.ts";

/** What a file held. */
export interface TensorFile {
  /** By name, in the order of the file. The data share one buffer where alignment allows. */
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  readonly metadata: Metadata;
}

/**
 * Writes tensors to a file that must not exist, and syncs it. Throws RangeError for unfit names
 * and for shapes that do not match their data.
 */
export function writeSafetensors(
  path: string,
  tensors: readonly NamedTensor[],
  { metadata = {}, at }: { metadata?: Metadata; at?: Hook | undefined } = {},
): Promise<Digest> {
  // Elements stand in the file as in memory: every platform that Deno runs on is little endian.
  const data = tensors.map((tensor) => bytesOf(tensor.data));
  return writeNew(path, [encodeHeader(tensors, metadata), ...data], { at });
}

/**
 * Reads tensors from a file. Throws Damage for a file that is missing, breaks a rule of the format,
 * holds another dtype than F32, or differs from `expect`. NaN and infinities are legal in it.
 */
export async function readSafetensors(
  path: string,
  { what = path, expect }: { what?: string; expect?: Digest } = {},
): Promise<TensorFile> {
  return decodeSafetensors(await readWhole(path, { what, expect }), what);
}

/** Tensors of a whole file's bytes; `what` names it in errors. */
export function decodeSafetensors(file: Uint8Array<ArrayBuffer>, what: string): TensorFile {
  const { entries, metadata, dataStart } = parseHeader(file, what);
  // Files of other writers may start their data anywhere; a view needs a multiple of 4.
  const aligned = (file.byteOffset + dataStart) % 4 === 0 ? file : undefined;
  const data = (aligned ?? file.slice(dataStart)).subarray(aligned ? dataStart : 0);
  const tensors = new Map<string, NamedTensor>();
  for (const { name, shape, begin, end } of entries) {
    const view = new Float32Array(data.buffer, data.byteOffset + begin, (end - begin) / 4);
    tensors.set(name, { name, shape, data: view });
  }
  return { tensors, metadata };
}
