/**
 * The first pass over all files: computes hashes and split points, validates UTF-8 and JSON, and
 * feeds the tokenizer builder. Writes nothing.
 */
import { createHash } from "node:crypto";
import { UserError } from "../base/user_error.ts";
import { noEnds } from "../data/document_end.ts";
import type { PrepareOptions } from "../data/prepared/schema.ts";
import type { TokenizerBuilder } from "../data/tokenizers/build.ts";
import { ByteStream } from "./byte_stream.ts";
import { type Input, statOf } from "./inputs.ts";
import { changed, piecesOf } from "./pieces.ts";
import type { Scanned } from "./schema.ts";
import { type SplitExtent, splitExtentOf } from "./split.ts";

/** Options of {@linkcode scan}. */
export interface ScanOptions {
  readonly options: PrepareOptions;
  readonly builder: TokenizerBuilder;
  /** Called with the number of bytes read from disk. */
  readonly read: (bytes: number) => void;
  readonly stop: AbortSignal;
}

/** Result of a scan. */
export interface ScanResult {
  readonly inputs: Scanned[];
  /** Document ends in text files. */
  readonly ends: number;
}

/** Scans the files; undefined when stopped. @throws {UserError} */
export async function scan(
  inputs: readonly Input[],
  options: ScanOptions,
): Promise<ScanResult | undefined> {
  const bytes = { train: 0, validation: 0 };
  let ends = 0;
  const scanned: Scanned[] = [];
  for (const input of inputs) {
    const one = await scanFile(input, { ...options, bytes, ended: () => ends++ });
    if (one === undefined) return undefined;
    scanned.push(one);
  }
  const { documentEnd: end } = options.options;
  if (end !== null && ends === 0) throw await noEndsIn(inputs, end);
  const { validation } = options.options;
  if (bytes.train + bytes.validation === 0) {
    throw new UserError("data", "Cannot prepare: need some text: there is none in the inputs");
  }
  if (bytes.train === 0) {
    throw new UserError(
      "data",
      "Cannot prepare: need text to train on: all of it is for validation",
    );
  }
  if (validation > 0 && bytes.validation === 0) {
    throw new UserError(
      "data",
      `Cannot prepare: need text for validation: no document fell there by chance; raise --validation above ${validation}, or give 0 for none`,
    );
  }
  return { inputs: scanned, ends };
}

/** The error for text files without the document separator. */
async function noEndsIn(inputs: readonly Input[], end: string): Promise<UserError> {
  const [first, ...more] = inputs.filter(({ kind }) => kind === "text") as [Input, ...Input[]];
  await using stream = new ByteStream(first);
  const text = new TextDecoder().decode(await stream.peek(DRAIN));
  const name = more.length === 0 ? first.name : `${first.name} and ${more.length} more`;
  return noEnds(name, { end, option: "--document-end", text });
}

async function scanFile(
  input: Input,
  { options, builder, read, stop, bytes, ended }: ScanOptions & {
    bytes: { train: number; validation: number };
    ended: () => void;
  },
): Promise<Scanned | undefined> {
  const { validation, field, documentEnd } = options;
  const extent = await findExtent(input, options);
  const hash = createHash("sha256");
  const raw = (chunk: Uint8Array) => {
    hash.update(chunk);
    read(chunk.length);
  };
  await using stream = new ByteStream(input, { raw });
  await stream.peek(extent.start);
  stream.take(extent.start);
  // The char tokenizer must also see the validation text: unseen characters have no token.
  const all = options.tokenizer === "char";
  const cut = (text: string) => text.length;
  const reading = { input, extent, field, documentEnd, validation, cut, ended };
  for await (const piece of piecesOf(stream, reading)) {
    if (stop.aborted) return undefined;
    bytes[piece.part] += piece.bytes;
    if (!builder.needsText || (!all && piece.part !== "train")) continue;
    builder.add(piece.text);
    if (piece.ends) builder.endDocument();
  }
  // Read the rest, because the hash covers the whole file.
  await drain(stream);
  const { name, modified } = input;
  await checkUnchanged(input);
  return { name, bytes: input.bytes, modified, sha256: hash.digest("hex"), extent };
}

/** @throws {UserError} `data` when size or mtime of a file changed since it was listed. */
export async function checkUnchanged(
  { name, path, bytes, modified }: Input,
): Promise<void> {
  const { size, mtime } = await statOf(path);
  if (size !== bytes || (mtime?.getTime() ?? 0) !== modified) throw changed(name);
}

async function findExtent(
  input: Input,
  { validation, documentEnd }: PrepareOptions,
): Promise<SplitExtent> {
  const start = await markBytes(input);
  const isDocument = input.kind === "text" && documentEnd === null;
  const end = input.packed && isDocument ? await unpackedBytes(input) : input.bytes;
  return isDocument
    ? await splitExtentOf(input, { start, end, validation })
    : { start, cut: end, end };
}

/** Bytes of a byte order mark: 3 or 0. */
async function markBytes(input: Input): Promise<number> {
  await using stream = new ByteStream(input);
  const [a, b, c] = await stream.peek(3);
  return a === 0xef && b === 0xbb && c === 0xbf ? 3 : 0;
}

/** Decompressed size of a gzip file, by decompressing it. */
async function unpackedBytes(input: Input): Promise<number> {
  await using stream = new ByteStream(input);
  await drain(stream);
  return stream.position;
}

/** Bytes skipped at once. */
const DRAIN = 1 << 20;

/** Reads the rest of a file, so that its hash covers all bytes. */
export async function drain(stream: ByteStream): Promise<void> {
  for (let n; (n = (await stream.peek(DRAIN)).length) > 0;) stream.take(n);
}
