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

/** A plain object with a seal: the hash of all the rest. No other file vouches for what it says. */
export function sealed<T extends object>(value: T): T & { readonly seal: string } {
  return { ...value, seal: hashValue(value) };
}

/**
 * What is wrong with the seal of a value that was read, as the end of a sentence; undefined where it
 * matches, and where there is none: versions before it wrote none.
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
