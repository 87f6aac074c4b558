/**
 * Encodes and decodes frame headers as msgpack. Uses msgpackr without its native addon, records or
 * extensions, and decodes only bytes that src/transport/scan.ts accepts.
 */
import { Packr } from "msgpackr/pack";
import { Unpackr } from "msgpackr/unpack";
import { bytesOf } from "../base/hash.ts";
import { ChannelError, type Header, type HeaderValue } from "./channel.ts";
import { MAX_HEADER } from "./frame.ts";
import { scanFault } from "./scan.ts";

const SETTINGS = {
  useRecords: false,
  mapsAsObjects: true,
  structuredClone: false,
  copyBuffers: true,
  int64AsType: "number", // exact: the scan accepts only safe integers
} as const;
const packr = new Packr(SETTINGS);
const unpackr = new Unpackr(SETTINGS);

/** The msgpack bytes of a header. @throws {TypeError} if a peer would reject them. */
export function encodeHeader(header: Header): Uint8Array {
  const bytes = bytesOf(packr.pack(header)); // a Node buffer would have another slice()
  const fault = bytes.length > MAX_HEADER
    ? `${bytes.length} B is more than ${MAX_HEADER}`
    : scanFault(bytes);
  if (fault !== undefined) {
    throw new TypeError(`Cannot send header "${header.type}": needs plain values: ${fault}`);
  }
  return bytes;
}

/** Decodes a header; all data are copied. @throws {ChannelError} if it is not a plain header. */
export function decodeHeader(bytes: Uint8Array): Header {
  const fault = scanFault(bytes);
  if (fault !== undefined) {
    throw new ChannelError(`Cannot read a header: needs plain msgpack: ${fault}`);
  }
  const value = plain(unpackr.unpack(bytes));
  if (!isHeader(value)) {
    throw new ChannelError(
      "Cannot read a header: needs a map with a text `type`: got another value",
    );
  }
  return value;
}

function isHeader(value: HeaderValue): value is Header {
  return value !== null && typeof value === "object" && !(value instanceof Uint8Array) &&
    !isArray(value) && typeof value["type"] === "string";
}

/** Converts the decoder's Node buffers to Uint8Array. */
function plain(value: HeaderValue): HeaderValue {
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, plain(v)]));
}

function isArray(value: HeaderValue): value is readonly HeaderValue[] {
  return Array.isArray(value);
}
