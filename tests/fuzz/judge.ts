/**
 * An independent frame reader, written from the format description in src/transport/frame.ts. The
 * reference for fuzzing.
 */
import { Malformed, readMsgpack } from "./msgpack.ts";

/** Expected result of a stream: frames, and a fault if any. */
export interface Verdict {
  readonly frames: readonly { readonly header: unknown; readonly payload: Uint8Array }[];
  /** The violated rule; undefined for a valid stream. */
  readonly fault: string | undefined;
}

/** The expected result for these bytes. */
export function judge(
  bytes: Uint8Array,
  { attempt, maxPayload }: { attempt: number; maxPayload: number },
): Verdict {
  const frames: { header: unknown; payload: Uint8Array }[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    let at = 0;
    for (let sequence = 0; at < bytes.length; sequence++) {
      demand(bytes.length - at >= 40, "a prefix that ends early");
      demand(new TextDecoder().decode(bytes.subarray(at, at + 4)) === "SHL1", "magic");
      demand(bytes[at + 4] === 1, "version");
      demand(crc(bytes.subarray(at, at + 36)) === view.getUint32(at + 36, true), "prefix checksum");
      demand(bytes.subarray(at + 5, at + 8).every((x) => x === 0), "flags");
      const headerBytes = view.getUint32(at + 8, true);
      const payloadBytes = view.getBigUint64(at + 12, true);
      demand(headerBytes <= 65536, "header size");
      demand(payloadBytes <= BigInt(maxPayload), "payload size");
      demand(view.getUint32(at + 24, true) === sequence, "sequence");
      const payloadAt = at + Math.ceil((40 + headerBytes) / 64) * 64;
      const end = payloadAt + Number(payloadBytes);
      demand(end <= bytes.length, "a frame that ends early");
      if (view.getUint32(at + 20, true) === attempt) {
        const head = bytes.subarray(at + 40, payloadAt);
        demand(crc(head) === view.getUint32(at + 28, true), "header checksum");
        const header = readMsgpack(head.subarray(0, headerBytes));
        demand(isHeader(header), "no map with a type");
        const payload = bytes.slice(payloadAt, end);
        const sum = payload.length === 0 ? undefined : crc(payload); // nothing: nothing to check
        demand(sum === undefined || sum === view.getUint32(at + 32, true), "payload checksum");
        frames.push({ header, payload });
      }
      at = end;
    }
    return { frames, fault: undefined };
  } catch (error) {
    if (error instanceof Malformed) return { frames, fault: error.message };
    throw error;
  }
}

function demand(holds: boolean, fault: string): void {
  if (!holds) throw new Malformed(fault);
}

function isHeader(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Uint8Array) && typeof (value as { type?: unknown }).type === "string";
}

/** CRC-32 as in IEEE 802.3, by table. */
export function crc(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = (TABLE[(sum ^ byte) & 255] as number) ^ (sum >>> 8);
  return ~sum >>> 0;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let sum = n;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? 0xedb88320 ^ (sum >>> 1) : sum >>> 1;
  return sum;
});
