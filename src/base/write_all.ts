/** Writes all of some bytes to what takes as many at a time as it likes. */

/** Writes all bytes; after each piece tells what is left, so that a failure neither repeats nor loses it. */
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

/** The same for what takes time. */
export async function writeAll(
  sink: { write(bytes: Uint8Array): Promise<number> },
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length;) at += taken(await sink.write(bytes.subarray(at)));
}

/** A write that takes nothing and says no error would be tried again for ever: it counts as one. */
function taken(bytes: number): number {
  if (bytes > 0) return bytes;
  throw Object.assign(new Error("a write took no bytes"), { code: "EIO" });
}
