/** SHA-256 as hex, and canonical JSON of plain values. */
import { createHash } from "node:crypto";

/** SHA-256 over byte chunks in order, as 64 hex digits. */
export function sha256(...chunks: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}

/** JSON with keys sorted at every level: equal values give equal texts. */
export function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_, v) =>
      v !== null && typeof v === "object" && !Array.isArray(v)
        ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => a < b ? -1 : 1))
        : v,
  );
}

/** SHA-256 of the canonical text of a plain value. */
export function hashValue(value: unknown): string {
  return sha256(new TextEncoder().encode(canonical(value)));
}

/**
 * A plain object with a checksum `seal` over its other fields, for files that no manifest covers.
 */
export function sealed<T extends object>(value: T): T & { readonly seal: string } {
  return { ...value, seal: hashValue(value) };
}

/**
 * Describes a seal mismatch, as the end of a sentence; undefined if it matches or is absent (older
 * versions wrote none).
 */
export function sealFault(value: unknown): string | undefined {
  const { seal, ...rest } = Object(value) as Record<string, unknown>;
  return seal === undefined || seal === hashValue(rest)
    ? undefined
    : "it does not match its seal, the hash of all the rest";
}

/** The bytes of a typed array, without a copy. */
export function bytesOf(view: ArrayBufferView): Uint8Array<ArrayBuffer> {
  return new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength);
}
