/** Files of f32 tensors in the safetensors format. */
import { type Digest, openHashed, writeNew, type WriteOptions } from "../files.ts";
import {
  encodeTensorHeader,
  headerLength,
  LENGTH_PREFIX,
  type Metadata,
  parseHeader,
} from "./header.ts";
import { narrowed, type WeightType } from "./narrow.ts";
import type { NamedTensor } from "./tensor.ts";

/** The contents of a file. */
export interface TensorFile {
  /** By name, in file order. The data share one buffer. */
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  readonly metadata: Metadata;
}

/**
 * Writes tensors to a file that must not exist, and syncs it. `type`: of the elements in the file.
 * @throws {RangeError} for an invalid name, or a shape that does not match its data.
 */
export function writeSafetensors(
  path: string,
  tensors: readonly NamedTensor[],
  { metadata = {}, type = "f32", ...options }: WriteOptions & {
    readonly metadata?: Metadata;
    readonly type?: WeightType;
  } = {},
): Promise<Digest> {
  // Written as they are in memory: every platform of Deno is little-endian.
  const data = tensors.map(({ data }) => narrowed(data, type));
  return writeNew(path, [encodeTensorHeader(tensors, metadata, type), ...data], options);
}

/**
 * Reads tensors from a file. Memory for the data is allocated only after the header was checked
 * against the file's size. NaN and infinities are accepted. @throws {Damage} for a file that is
 * missing, violates the format, has another dtype than F32, or differs from `expect`.
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
