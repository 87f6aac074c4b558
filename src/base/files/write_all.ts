/** Repeats short writes until all bytes are written. */

/**
 * Writes all bytes; reports the rest after each write, so that a retry neither repeats nor loses
 * bytes.
 */
export function writeAllSync<B extends ArrayBufferLike>(
  sink: { writeSync(bytes: Uint8Array): number },
  bytes: Uint8Array<B>,
  onWritten?: (rest: Uint8Array<B>) => void,
): void {
  for (let rest = bytes; rest.length > 0;) {
    rest = rest.subarray(taken(sink.writeSync(rest)));
    onWritten?.(rest);
  }
}

/** As {@linkcode writeAllSync}, asynchronously. */
export async function writeAll(
  sink: { write(bytes: Uint8Array): Promise<number> },
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length;) at += taken(await sink.write(bytes.subarray(at)));
}

/** A write of 0 bytes without an error would loop forever: treat it as EIO. */
function taken(bytes: number): number {
  if (bytes > 0) return bytes;
  throw Object.assign(new Error("a write took no bytes"), { code: "EIO" });
}
