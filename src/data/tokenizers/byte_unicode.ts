/**
 * GPT-2's mapping of bytes to printable characters. Bytes printable in Latin-1 map to themselves,
 * the others to U+0100 and up. Source: `bytes_to_unicode` in encoder.py of GPT-2's release (Radford
 * et al., 2019).
 */

const SELF = [[0x21, 0x7e], [0xa1, 0xac], [0xae, 0xff]] as const;

const isSelf = (byte: number): boolean =>
  SELF.some(([first, last]) => byte >= first && byte <= last);
const all = Array.from({ length: 256 }, (_, byte) => byte);

/** The bytes in order of their characters, which is also the order of byte token ids. */
export const BYTES: readonly number[] = [
  ...all.filter(isSelf),
  ...all.filter((byte) => !isSelf(byte)),
];

const CHARS: string[] = [];
const BYTE_OF = new Map<string, number>();
for (const [i, byte] of BYTES.entries()) {
  const char = String.fromCodePoint(isSelf(byte) ? byte : 256 + i - 188);
  CHARS[byte] = char;
  BYTE_OF.set(char, byte);
}

/** Maps bytes to characters. */
export function bytesToUnicode(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => CHARS[byte]).join("");
}

/** Maps characters back to bytes; undefined if one maps to no byte. */
export function unicodeToBytes(text: string): Uint8Array | undefined {
  const bytes = Array.from(text, (char) => BYTE_OF.get(char));
  return bytes.includes(undefined) ? undefined : Uint8Array.from(bytes as number[]);
}
