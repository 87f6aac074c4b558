/** UTF-8 to text, and the byte at which bytes stop being UTF-8. A mark U+FEFF is text here. */

const WHOLE = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of UTF-8 bytes, or the offset of the first byte that is none. */
export function utf8Text(bytes: Uint8Array): string | number {
  try {
    return WHOLE.decode(bytes);
  } catch {
    return firstFault(bytes);
  }
}

/** Offset of the byte at which `bytes` stop being UTF-8; their length if a character is cut off. */
function firstFault(bytes: Uint8Array): number {
  // A streaming decoder forgives an unfinished last character, so a prefix fails
  // exactly from the faulty byte on, and the shortest failing prefix can be bisected.
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

/** Whether a character begins at this byte of UTF-8 text: it does not continue one. */
export function beginsCharacter(byte: number): boolean {
  return (byte & 0xc0) !== 0x80;
}

/** `bytes` without a character at their end that goes on behind them; three bytes less at most. */
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
  // As signed numbers, the bytes that continue a character are those below -64.
  const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  let continued = 0;
  for (let i = 0; i < signed.length; i++) if (signed[i] as number < -64) continued++;
  return bytes.length - continued;
}
