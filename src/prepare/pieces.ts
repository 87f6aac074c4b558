/**
 * Reads the text of a file in pieces, each of one document and one side of the split. From any
 * position where a shard may end, the pieces that follow are the same after a resume.
 */
import { parseJsonText } from "../base/text/json.ts";
import { UserError } from "../base/user_error.ts";
import { characterCount, utf8Text, wholeCharacters } from "../base/text/utf8.ts";
import type { TextPart } from "../data/prepared/folder.ts";
import type { ByteStream } from "./byte_stream.ts";
import type { Input } from "./inputs.ts";
import { jsonRecords } from "./json_records.ts";
import { type DocumentBytes, LONGEST, records } from "./records.ts";
import { sideOf, type SplitExtent } from "./split.ts";

/** Default key of the text in a record. */
export const FIELD = "text";

/** Approximate bytes of a piece. */
const PIECE = 1 << 18;

/** A piece of a document's text. */
export interface TextPiece {
  readonly part: TextPart;
  readonly text: string;
  /** In UTF-8. */
  readonly bytes: number;
  /** Code points. */
  readonly characters: number;
  /** Whether it is the last of its document on its side. */
  readonly ends: boolean;
  /** Offset after it in the file, if a shard may end there. */
  readonly next: number | undefined;
}

/** How to read a file. */
export interface PieceReading {
  readonly input: Input;
  readonly extent: SplitExtent;
  /** Key of the text in each record. */
  readonly field: string;
  /** Document separator of a text file; null: one document. */
  readonly documentEnd: string | null;
  readonly validation: number;
  /** Safe split point of a text, see Tokenizer.cut. */
  readonly cut: (text: string) => number;
  /** Called at each document end in a text file. */
  readonly ended?: () => void;
}

/** The pieces of a file from the stream's position. @throws {UserError} `data` */
export function piecesOf(stream: ByteStream, reading: PieceReading): AsyncGenerator<TextPiece> {
  const { kind } = reading.input;
  return kind === "text" && reading.documentEnd === null
    ? textPieces(stream, reading)
    : documentPieces(stream, reading);
}

async function* textPieces(stream: ByteStream, reading: PieceReading): AsyncGenerator<TextPiece> {
  const { input: { name }, extent: { cut, end } } = reading;
  while (stream.position < end) {
    const at = stream.position;
    const to = at < cut ? cut : end;
    const part = at < cut ? "train" : "validation";
    const piece = await nextPiece(stream, { reading, left: to - at });
    stream.take(piece.bytes.length);
    const characters = characterCount(piece.bytes);
    const next = at + piece.bytes.length;
    if (next === at) throw changed(name);
    yield { ...piece, part, bytes: next - at, characters, ends: next === to, next };
  }
}

/** The next piece up to a safe split point, doubling the bytes peeked until there is one. */
async function nextPiece(
  stream: ByteStream,
  { reading, left }: { reading: PieceReading; left: number },
): Promise<{ text: string; bytes: Uint8Array }> {
  const { input: { name } } = reading;
  for (let n = PIECE; n <= LONGEST; n *= 2) {
    const last = n >= left;
    const seen = await stream.peek(Math.min(n, left));
    if (seen.length < Math.min(n, left)) throw changed(name);
    const bytes = last ? seen : wholeCharacters(seen);
    const text = textOf(bytes, { name, at: stream.position });
    const place = last ? text.length : reading.cut(text);
    if (place === text.length) return { text, bytes };
    if (place === 0) continue;
    const over = encoder.encode(text.slice(place)).length;
    return { text: text.slice(0, place), bytes: bytes.subarray(0, bytes.length - over) };
  }
  throw new UserError(
    "data",
    `Cannot cut ${name}: need a place to cut within ${LONGEST} bytes: there is none behind byte ${stream.position}`,
  );
}

async function* documentPieces(
  stream: ByteStream,
  reading: PieceReading,
): AsyncGenerator<TextPiece> {
  const { input: { name, kind }, extent, documentEnd, validation } = reading;
  const isText = kind === "text";
  const end = encoder.encode(isText ? documentEnd as string : "\n");
  const scratch = new Scratch();
  const inside = stream.position !== extent.start;
  const found = kind === "array" || kind === "values"
    ? jsonRecords(stream, { kind, name, inside })
    : records(stream, { end, name });
  // Record numbers are unknown after a resume within a file.
  let number = inside ? undefined : 0;
  for await (const record of found) {
    if (number !== undefined) number++;
    if (isText && record.ended) reading.ended?.();
    const text = isText
      ? textOf(record.bytes, { name, at: record.at })
      : recordText(record, { reading, number });
    if (text === "") continue;
    const bytes = isText ? record.bytes : scratch.bytesOf(text);
    const part = sideOf(bytes, validation);
    for (const piece of cutDocument(text, { reading, at: record.at })) {
      const whole = piece.length === text.length;
      const own = whole ? bytes : encoder.encode(piece.text);
      yield {
        part,
        text: piece.text,
        bytes: own.length,
        characters: own.length === piece.length ? own.length : characterCount(own),
        ends: piece.last,
        next: piece.last ? record.next : undefined,
      };
    }
  }
}

/** Splits a document in memory at safe split points. */
function* cutDocument(
  text: string,
  { reading, at }: { reading: PieceReading; at: number },
): Generator<{ text: string; length: number; last: boolean }> {
  for (let from = 0; from < text.length;) {
    let place = 0;
    for (let n = PIECE; place === 0; n *= 2) {
      if (from + n >= text.length) place = text.length - from;
      else if (n > LONGEST) {
        throw new UserError(
          "data",
          `Cannot cut ${reading.input.name}: need a place to cut within ${LONGEST} characters: the document at byte ${at} has none`,
        );
      } else place = reading.cut(wholePairs(text.slice(from, from + n)));
    }
    const last = from + place === text.length;
    yield { text: text.slice(from, from + place), length: place, last };
    from += place;
  }
}

/** A text without a lone surrogate at its end. */
function wholePairs(text: string): string {
  return text.isWellFormed() ? text : text.slice(0, -1);
}

/** The text in a JSON record; "" for an empty line. */
function recordText(
  { bytes, at }: DocumentBytes,
  { reading: { input: { name, kind }, field }, number }: {
    reading: PieceReading;
    number: number | undefined;
  },
): string {
  const unit = kind === "jsonl" ? "line" : "record";
  const place = number === undefined ? `${unit} at byte ${at}` : `${unit} ${number} (byte ${at})`;
  const bad = (fault: string) => new UserError("data", `Cannot read ${name}: need ${fault}`);
  const json = textOf(bytes, { name, at });
  if (json.trim() === "") return "";
  let value: unknown;
  try {
    value = parseJsonText(json);
  } catch {
    throw bad(`a JSON object in each ${unit}: ${place} is none`);
  }
  const text = textIn(value, field);
  if (typeof text !== "string") {
    throw bad(`a text "${field}" in each ${unit}: ${place}: ${foundIn(value, text)}`);
  }
  if (text.isWellFormed()) return text;
  throw bad(`whole characters: ${place} has half of a pair`);
}

/** The text of a record: a string value itself, or its field. */
function textIn(value: unknown, field: string): unknown {
  if (typeof value === "string" && field === FIELD) return value;
  return isObject(value) ? value[field] : undefined;
}

/** Describes what was found instead of a text. */
function foundIn(value: unknown, text: unknown): string {
  if (!isObject(value)) return "it is no object";
  if (text !== undefined) return "it is none";
  const keys = Object.keys(value).slice(0, 8).join(", ");
  return "it has none" + (keys === "" ? "" : `; --field=KEY takes another of its keys: ${keys}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(bytes: Uint8Array, { name, at }: { name: string; at: number }): string {
  const text = utf8Text(bytes);
  if (typeof text === "string") return text;
  throw new UserError("data", `Cannot read ${name}: need UTF-8 text: byte ${at + text} is not`);
}

/** The error for a file that changed during the preparation. */
export function changed(name: string): UserError {
  return new UserError("data", `Cannot read ${name}: need it as it was: it changed meanwhile`);
}

const encoder = new TextEncoder();

/** A reusable UTF-8 buffer: documents may be many and small. */
class Scratch {
  #room = new Uint8Array(1 << 16);

  /** The UTF-8 bytes of a text, valid until the next call. */
  bytesOf(text: string): Uint8Array {
    // A UTF-16 unit takes at most three bytes.
    if (3 * text.length > this.#room.length) this.#room = new Uint8Array(3 * text.length);
    const { written } = encoder.encodeInto(text, this.#room);
    return this.#room.subarray(0, written);
  }
}
