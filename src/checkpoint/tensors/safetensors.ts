/** Files of f32 tensors in the safetensors format. Knows nothing of steps or manifests. */
import { bytesOf } from "../../base/hash.ts";
import { type Digest, openHashed, writeNew, type WriteOptions } from "../files.ts";
import {
  encodeTensorHeader,
  headerLength,
  LENGTH_PREFIX,
  type Metadata,
  parseHeader,
} from "./header.ts";
import type { NamedTensor } from "./tensor.ts";

/** What a file held. */
export interface TensorFile {
  /** By name, in the order of the file. The data share one buffer. */
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
  { metadata = {}, ...options }: WriteOptions & { readonly metadata?: Metadata } = {},
): Promise<Digest> {
  // Elements stand in the file as in memory: every platform that Deno runs on is little endian.
  const data = tensors.map((tensor) => bytesOf(tensor.data));
  return writeNew(path, [encodeTensorHeader(tensors, metadata), ...data], options);
}

/**
 * Reads tensors from a file. Throws Damage for a file that is missing, breaks a rule of the format,
 * holds another dtype than F32, or differs from `expect`. Room for the data is taken only once the
 * header was found to fit the file's size. NaN and infinities are legal in it.
 */
export async function readSafetensors(
  path: string,
  { what = path, expect }: { what?: string; expect?: Digest } = {},
): Promise<TensorFile> {
  using file = await openHashed(path, { what, expect });
  const { size } = file;
  const length = headerLength(await file.next(Math.min(LENGTH_PREFIX, size)), { what, size });
  const dataBytes = size - LENGTH_PREFIX - length;
  const { entries, metadata } = parseHeader(await file.next(length), { what, dataBytes });
  const data = await file.next(dataBytes);
  file.finish();
  const tensors = new Map<string, NamedTensor>();
  for (const { name, shape, begin, end } of entries) {
    tensors.set(name, {
      name,
      shape,
      data: new Float32Array(data.buffer, begin, (end - begin) / 4),
    });
  }
  return { tensors, metadata };
}
