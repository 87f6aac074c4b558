/** The text of a file whose encoding nobody told: UTF-8, or UTF-16 with its mark. */
import { utf8Text } from "./utf8.ts";

/** A text, or what its bytes seem to be instead. */
export type Decoded = { readonly text: string } | { readonly is: string };

/** Decodes bytes; a byte order mark goes. */
export function decodeText(bytes: Uint8Array): Decoded {
  const [a, b, c] = bytes;
  if (a === 0xef && b === 0xbb && c === 0xbf) return decodeText(bytes.subarray(3));
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) {
    return { text: new TextDecoder(a === 0xff ? "utf-16le" : "utf-16be").decode(bytes) };
  }
  if (a === 0x1f && b === 0x8b) return { is: "gzip" };
  if (a === 0x50 && b === 0x4b && c === 3) return { is: "a zip archive, as .xlsx and .ods are" };
  if (bytes.subarray(0, 1024).includes(0)) {
    return { is: "UTF-16 without a byte order mark, or no text" };
  }
  const text = utf8Text(bytes);
  if (typeof text === "string") return { text };
  const line = bytes.subarray(0, text).filter((byte) => byte === 10).length + 1;
  const byte = (bytes[text] as number).toString(16).toUpperCase();
  return { is: `byte 0x${byte} in line ${line}, as in Latin-1 (ISO 8859-1, Windows-1252)` };
}
