/**
 * What is kept for validation. Content decides, never the order of files: of a file of many documents
 * those whose hash is small, of a text its tail. So no byte is on both sides.
 */
import { crc32 } from "node:zlib";
import { threefry, unit } from "../base/random.ts";
import { beginsCharacter } from "../base/text/utf8.ts";
import type { TextPart } from "../data/prepared/folder.ts";
import { ByteStream } from "./byte_stream.ts";
import type { Input } from "./inputs.ts";

/** How far behind its place a cut looks for a line. */
const REACH = 1 << 16;

/** The side of a document, by a hash of its text in UTF-8. */
export function sideOf(text: Uint8Array, validation: number): TextPart {
  // A CRC tells texts apart but is linear: texts that differ in a few letters would fall in a
  // pattern. Threefry mixes its bits, and both are quick for documents of any length.
  const [word] = threefry([crc32(text), text.length], 0, 0);
  return unit(word) < validation ? "validation" : "train";
}

/** Where the text of a file begins (behind a byte order mark), and where its tail and its end are. */
export interface SplitExtent {
  readonly start: number;
  /** First byte that is kept for validation. */
  readonly cut: number;
  readonly end: number;
}

/**
 * Where a text file of `end` bytes is cut: at the first line that begins in its last part, or where
 * none begins soon at a character.
 */
export async function splitExtentOf(
  input: Input,
  { start, end, validation }: { start: number; end: number; validation: number },
): Promise<SplitExtent> {
  const place = start + Math.ceil((end - start) * (1 - validation));
  if (place >= end) return { start, cut: end, end };
  await using stream = new ByteStream(input, { from: place - 1 });
  const near = await stream.peek(REACH);
  const line = place + near.indexOf(LINE_END);
  if (line >= place && line < end) return { start, cut: line, end };
  let cut = place;
  while (cut < end && !beginsCharacter(near[cut - place + 1] as number)) cut++;
  return { start, cut, end };
}

const LINE_END = 0x0a;
