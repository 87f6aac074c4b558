/**
 * How GPT-2's files write bytes: each as one printable character. Bytes that are printable in
 * Latin-1 stand for themselves, the others for U+0100 and up. Source: `bytes_to_unicode` in
 * encoder.py of GPT-2's release (Radford et al., 2019).
 */

const SELF = [[0x21, 0x7e], [0xa1, 0xac], [0xae, 0xff]] as const;

const isSelf = (byte: number): boolean =>
  SELF.some(([first, last]) => byte >= first && byte <= last);
const all = Array.from({ length: 256 }, (_, byte) => byte);

/** The bytes in order of their characters; so they are numbered as well, by GPT-2 and by us. */
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

/** Bytes as such files write them. */
export function byteLetters(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => CHARS[byte]).join("");
}

/** The bytes of such a text; undefined where a character stands for none. */
export function bytesOfPrintable(text: string): Uint8Array | undefined {
  const bytes = Array.from(text, (char) => BYTE_OF.get(char));
  return bytes.includes(undefined) ? undefined : Uint8Array.from(bytes as number[]);
}
