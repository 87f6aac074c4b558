/** SHA-256 as hex, and the canonical text of a plain value. */
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

/** The bytes of a typed array, without a copy. */
export function bytesOf(view: ArrayBufferView): Uint8Array<ArrayBuffer> {
  return new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength);
}
