/**
 * Headers of safetensors files (format: github.com/huggingface/safetensors): a little-endian u64
 * length, that many bytes of JSON, then the tensors without gaps. Stricter than the format: no
 * unknown keys, and names are printable ASCII. Pure.
 */
import { alignUp, type Shape, showShape, sizeOf } from "../../base/shape.ts";
import { Damage } from "../damage.ts";
import { parseStrict } from "../json.ts";
import { WEIGHT_TYPES, type WeightType } from "./narrow.ts";
import { isTensorName, type NamedTensor } from "./tensor.ts";

/** Largest accepted header, in bytes. */
export const HEADER_LIMIT = 8 * 2 ** 20;
/** Bytes of the length before the header. */
export const LENGTH_PREFIX = 8;
const ALIGN = 64;

/** Free-form text in the header. */
export type Metadata = Readonly<Record<string, string>>;

/** Bytes per element, by the dtype's name in a header. */
export type Dtypes = Readonly<Record<string, number>>;

/** The dtype of checkpoints. */
const F32: Dtypes = { F32: 4 };

/** A tensor's position, in bytes from the start of the data. */
export interface HeaderEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: Shape;
  readonly begin: number;
  readonly end: number;
}

/** A parsed header; its entries cover the data without gaps. */
export interface TensorHeader {
  readonly entries: readonly HeaderEntry[];
  readonly metadata: Metadata;
}

/**
 * Length, JSON and padding spaces, so that the data starts at a multiple of 64 bytes. Tensors
 * follow in the given order, with elements of `type`. @throws {RangeError} for an invalid name or a size that does not
 * match.
 */
export function encodeTensorHeader(
  tensors: readonly NamedTensor[],
  metadata: Metadata,
  type: WeightType = "f32",
): Uint8Array {
  const { dtype, bytes } = WEIGHT_TYPES[type];
  const fields = new Map<string, unknown>([["__metadata__", metadata]]);
  let begin = 0;
  for (const { name, shape, data } of tensors) {
    const fault = tensorFault(name, { shape, length: data.length, taken: fields.has(name) });
    if (fault !== undefined) throw new RangeError(`Cannot write tensor ${name}: ${fault}`);
    const end = begin + data.length * bytes;
    fields.set(name, { dtype, shape, data_offsets: [begin, end] });
    begin = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(fields)));
  const out = new Uint8Array(alignUp(LENGTH_PREFIX + json.length, ALIGN)).fill(0x20);
  new DataView(out.buffer).setBigUint64(0, BigInt(out.length - LENGTH_PREFIX), true);
  out.set(json, LENGTH_PREFIX);
  return out;
}

function tensorFault(
  name: string,
  { shape, length, taken }: { shape: Shape; length: number; taken: boolean },
): string | undefined {
  if (!isTensorName(name)) return "its name must be printable ASCII without spaces";
  if (taken) return "its name is taken";
  if (sizeOf(shape) !== length) return `${showShape(shape)} does not hold ${length} elements`;
  return undefined;
}

/**
 * Length of the header in bytes, from the first `LENGTH_PREFIX` bytes of a file of `size` bytes.
 * @throws {Damage} naming `what`, if it exceeds the limit or the file.
 */
export function headerLength(
  prefix: Uint8Array,
  { what, size }: { what: string; size: number },
): number {
  if (prefix.length < LENGTH_PREFIX) throw new Damage(`${what} is too short for a header`);
  // Compare as bigints: a length beyond 2^53 must not be rounded into range.
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (length > BigInt(HEADER_LIMIT)) {
    throw new Damage(`${what} claims a header of ${length} bytes, more than ${HEADER_LIMIT}`);
  }
  if (LENGTH_PREFIX + Number(length) > size) throw new Damage(`${what} is shorter than its header`);
  return Number(length);
}

/** A header's name in errors, the bytes of data after it, and the accepted dtypes. */
export interface HeaderOptions {
  readonly what: string;
  readonly dataBytes: number;
  /** Default: F32 only. */
  readonly dtypes?: Dtypes;
}

/** Parses a header. @throws {Damage} naming `what`, for any violation of the format. */
export function parseHeader(
  bytes: Uint8Array,
  { what, dataBytes, dtypes = F32 }: HeaderOptions,
): TensorHeader {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Damage(`${what} has a header that is not UTF-8`);
  }
  if (!text.startsWith("{")) throw new Damage(`${what} has a header that does not open with {`);
  const json = parseStrict(text, { what: `The header of ${what}`, depth: 3 });
  if (!isRecord(json)) throw new Damage(`${what} has a header that is not an object`);
  const { __metadata__: metadata, ...rest } = json;
  const entries = Object.entries(rest).map(([name, value]) =>
    parseEntry(name, { value, what, dtypes })
  );
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCover(entries, { length: dataBytes, what });
  return { entries, metadata: parseMetadata(metadata, what) };
}

function parseEntry(
  name: string,
  { value, what, dtypes }: { value: unknown; what: string; dtypes: Dtypes },
): HeaderEntry {
  const bad = (fault: string) => new Damage(`${what}: tensor ${JSON.stringify(name)} ${fault}`);
  if (!isTensorName(name)) throw bad("has a name that is not printable ASCII");
  if (!isRecord(value)) throw bad("is not described by an object");
  const { dtype, shape, data_offsets: offsets, ...rest } = value;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw bad(`has an unknown key ${JSON.stringify(unknown)}`);
  const bytes = typeof dtype === "string" && Object.hasOwn(dtypes, dtype)
    ? dtypes[dtype]
    : undefined;
  if (bytes === undefined) {
    const known = Object.keys(dtypes).join(", ");
    throw bad(`has a dtype other than ${known}: ${JSON.stringify(dtype)}`);
  }
  if (!isSizes(shape)) throw bad("has a shape that is not a list of whole numbers");
  if (!isSizes(offsets)) throw bad("has offsets that are not a list of whole numbers");
  const [begin, end] = offsets;
  if (offsets.length !== 2 || begin === undefined || end === undefined || end < begin) {
    throw bad("has offsets that are not a begin and an end");
  }
  if (safeBytes(shape, bytes) !== end - begin) {
    throw bad(`of shape ${showShape(shape)} does not fill its ${end - begin} bytes`);
  }
  return { name, dtype: dtype as string, shape, begin, end };
}

/** Bytes of a shape, or NaN if the product exceeds the safe integers. */
function safeBytes(shape: Shape, element: number): number {
  return shape.reduce((n, size) => Number.isSafeInteger(n * size) ? n * size : NaN, element);
}

function checkCover(
  entries: readonly HeaderEntry[],
  { length, what }: { length: number; what: string },
): void {
  let at = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== at) {
      throw new Damage(`${what} has ${begin < at ? "an overlap" : "a hole"} before tensor ${name}`);
    }
    at = end;
  }
  if (at !== length) {
    throw new Damage(`${what} has ${length} bytes of data: its header names ${at}`);
  }
}

function parseMetadata(value: unknown, what: string): Metadata {
  // No prototype, so that no key can modify it.
  const out: Record<string, string> = Object.create(null);
  if (value === undefined) return out;
  if (!isRecord(value)) throw new Damage(`${what} has metadata that is not an object`);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") throw new Damage(`${what} has metadata that is not text: ${key}`);
    out[key] = text;
  }
  return out;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
