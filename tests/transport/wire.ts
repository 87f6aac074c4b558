/** Test support: handmade frames, streams of fixed bytes, timeouts. */
import type { Duplex } from "../../src/transport/bytes.ts";
import type { Channel, Frame, Header } from "../../src/transport/channel.ts";
import { encodeHeader } from "../../src/transport/codec.ts";
import { checksum, encodePrefix, headBytes } from "../../src/transport/frame.ts";

const NOTHING = new Uint8Array(0);

export interface Parts {
  readonly payload?: Uint8Array;
  readonly sequence?: number;
  readonly attempt?: number;
  /** Claimed size of the payload, if it is wrong. */
  readonly claim?: number;
}

/** A frame around arbitrary header bytes, with correct checksums. */
export function rawFrame(header: Uint8Array, parts: Parts = {}): Uint8Array {
  const { payload = NOTHING, sequence = 0, attempt = 1, claim = payload.length } = parts;
  const bytes = new Uint8Array(headBytes(header.length) + payload.length);
  const info = { payloadLength: claim, attempt, sequence, payloadCrc: checksum(payload) };
  bytes.set(payload, encodePrefix(bytes, info, header).length);
  return bytes;
}

/** The bytes of a valid frame. */
export function frameBytes(header: Header, parts: Parts = {}): Uint8Array {
  return rawFrame(encodeHeader(header), parts);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** A stream that gives `bytes` in pieces of at most `piece` and then ends. */
export function recorded(bytes: Uint8Array, piece = 1000): Duplex {
  let at = 0;
  return {
    read(p) {
      if (at === bytes.length) return Promise.resolve(null);
      const n = Math.min(p.length, piece, bytes.length - at);
      p.set(bytes.subarray(at, at + n));
      at += n;
      return Promise.resolve(n);
    },
    write: (p) => Promise.resolve(p.length),
    close() {},
  };
}

/** All frames until the stream ends, or the error that it ends with. */
export async function drain(channel: Channel): Promise<{ frames: Frame[]; error?: unknown }> {
  const frames: Frame[] = [];
  try {
    for (let f = await channel.receive(); f; f = await channel.receive()) frames.push(f);
    return { frames };
  } catch (error) {
    return { frames, error };
  }
}

/** The promise's outcome, or an error when it takes longer than any sound run would. */
export async function soon<T>(promise: PromiseLike<T>, ms = 5000): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`Nothing happened for ${ms} ms`)), ms);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until something holds, or fails when it takes longer than any sound run would. */
export async function until(holds: () => boolean, ms = 5000): Promise<void> {
  const start = performance.now();
  while (!holds()) {
    if (performance.now() - start > ms) throw new Error(`Still not so after ${ms} ms: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
