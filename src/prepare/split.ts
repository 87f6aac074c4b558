/**
 * The validation split. It depends on content, not on the order of files: documents by hash, a
 * single text by its tail.
 */
import { crc32 } from "node:zlib";
import { threefry, unit } from "../base/random.ts";
import { beginsCharacter } from "../base/text/utf8.ts";
import type { TextPart } from "../data/prepared/folder.ts";
import { ByteStream } from "./byte_stream.ts";
import type { Input } from "./inputs.ts";

/** How far after its position a split looks for a line start. */
const REACH = 1 << 16;

/** The side of a document, by a hash of its UTF-8 text. */
export function sideOf(text: Uint8Array, validation: number): TextPart {
  // A CRC alone is linear: texts that differ in a few letters would follow a pattern. Threefry
  // mixes its bits.
  const [word] = threefry([crc32(text), text.length], 0, 0);
  return unit(word) < validation ? "validation" : "train";
}

/** Offsets of a file's text: start (after a byte order mark), validation tail, end. */
export interface SplitExtent {
  readonly start: number;
  /** First byte of the validation tail. */
  readonly cut: number;
  readonly end: number;
}

/**
 * The split of a text file of `end` bytes: at the first line start in its validation part, or at a
 * character if no line starts soon.
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
