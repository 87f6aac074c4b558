/**
 * Reads safetensors files written by other programs: 16-bit floats are widened to f32, tensors of
 * other dtypes are only listed.
 */
import { openHashed } from "../files.ts";
import { type Dtypes, headerLength, LENGTH_PREFIX, type Metadata, parseHeader } from "./header.ts";
import type { NamedTensor } from "./tensor.ts";
import { widened } from "./widen.ts";

/** Dtypes of the format, without those that pack several elements into a byte. */
const DTYPES: Dtypes = {
  F32: 4,
  F16: 2,
  BF16: 2,
  F64: 8,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
};

/** The contents of a file. */
export interface ForeignFile {
  /** F32, F16 and BF16, as f32, in the order of the file. */
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  /** Dtypes of all other tensors, by name. */
  readonly others: ReadonlyMap<string, string>;
  /** Its metadata by name. */
  readonly metadata: Metadata;
}

/** Reads a file tensor by tensor. @throws {Damage} as `readSafetensors` does. */
export async function readForeign(path: string, what: string = path): Promise<ForeignFile> {
  using file = await openHashed(path, { what });
  const { size } = file;
  const length = headerLength(await file.next(Math.min(LENGTH_PREFIX, size)), { what, size });
  const dataBytes = size - LENGTH_PREFIX - length;
  const header = await file.next(length);
  const { entries, metadata } = parseHeader(header, { what, dataBytes, dtypes: DTYPES });
  const tensors = new Map<string, NamedTensor>();
  const others = new Map<string, string>();
  for (const { name, dtype, shape, begin, end } of entries) {
    const data = widened(dtype, await file.next(end - begin));
    if (data === undefined) others.set(name, dtype);
    else tensors.set(name, { name, shape, data });
  }
  return { tensors, others, metadata };
}
