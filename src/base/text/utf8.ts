/** Decodes UTF-8 and locates the first invalid byte. A byte order mark (U+FEFF) is kept. */

const WHOLE = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of UTF-8 bytes, or the offset of the first invalid byte. */
export function utf8Text(bytes: Uint8Array): string | number {
  try {
    return WHOLE.decode(bytes);
  } catch {
    return firstFault(bytes);
  }
}

/** Offset of the first invalid byte; the length if the last character is truncated. */
function firstFault(bytes: Uint8Array): number {
  // A streaming decoder accepts a truncated last character, so exactly the prefixes that include
  // the invalid byte fail: bisect the shortest.
  let good = 0;
  let bad = bytes.length + 1;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isPrefix(bytes.subarray(0, middle))) good = middle;
    else bad = middle;
  }
  return bad - 1;
}

function isPrefix(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** Whether a UTF-8 byte begins a character (is no continuation byte). */
export function beginsCharacter(byte: number): boolean {
  return (byte & 0xc0) !== 0x80;
}

/** `bytes` without a truncated last character: at most three bytes fewer. */
export function wholeCharacters(bytes: Uint8Array): Uint8Array {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if (!beginsCharacter(byte)) continue;
    const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needs > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}

/** Number of characters (code points) in UTF-8 text. */
export function characterCount(bytes: Uint8Array): number {
  // As signed numbers, continuation bytes are those below -64.
  const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  let continued = 0;
  for (let i = 0; i < signed.length; i++) if (signed[i] as number < -64) continued++;
  return bytes.length - continued;
}
