/**
 * The second pass: encodes text and writes shards, from the position in progress.json. Each commit
 * ends one shard for each side that has tokens.
 */
import { runBlocking } from "../base/blocking.ts";
import { createHash, type Hash } from "node:crypto";
import { UserError } from "../base/user_error.ts";
import { TEXT_PARTS, type TextPart } from "../data/prepared/folder.ts";
import { widthFor } from "../data/prepared/header.ts";
import type { Tokenizer } from "../data/tokenizers/types.ts";
import { countUnknown, type Unknown } from "../data/unknown.ts";
import { ByteStream } from "./byte_stream.ts";
import type { Input } from "./inputs.ts";
import { changed, piecesOf, type TextPiece } from "./pieces.ts";
import { checkUnchanged, drain } from "./scan.ts";
import type { PrepareProgress } from "./schema.ts";
import { SideWriter } from "./shard_writer.ts";

/** Options of {@linkcode encode}. */
export interface EncodeOptions {
  readonly folder: string;
  /** Throws if another process took over the folder. */
  readonly check: () => void;
  /** The present inputs, in the order of `progress`. */
  readonly inputs: readonly Input[];
  readonly tokenizer: Tokenizer;
  /** Called with the number of bytes read from disk, now or by an earlier process. */
  readonly read: (bytes: number) => void;
  /** Saves the progress durably. */
  readonly keep: (progress: PrepareProgress) => void;
  /** For tests: called before each effect with its name. */
  readonly at: (point: string) => void;
  readonly stop: AbortSignal;
  /** Checks the fraction of unknown tokens before each commit. */
  readonly known: (found: Unknown) => void;
}

/** Final progress, and the token hashes of both sides. */
export interface Encoded {
  readonly progress: PrepareProgress;
  readonly hashes: Readonly<Record<TextPart, string>>;
}

/** Encodes from `progress` to the end; undefined when stopped. @throws {UserError} */
export async function encode(
  progress: PrepareProgress,
  options: EncodeOptions,
): Promise<Encoded | undefined> {
  const { folder, check, tokenizer, read } = options;
  const { hash, vocabulary } = progress.tokenizer;
  const kind = { width: widthFor(vocabulary), vocabulary, tokenizerHash: hash };
  using train = new SideWriter(folder, { part: "train", kind, side: progress.train, check });
  using validation = new SideWriter(folder, {
    part: "validation",
    kind,
    side: progress.validation,
    check,
  });
  const sides = { train, validation };
  let now = progress;
  const end = tokenizer.end !== undefined && progress.options.ends
    ? Uint32Array.of(tokenizer.end)
    : new Uint32Array();
  const commit = (input: number, offset: number) => {
    options.known(unknownIn(sides));
    for (const part of TEXT_PARTS) sides[part].commit(options.at);
    now = { ...now, position: { input, offset }, train: train.side, validation: validation.side };
    options.at("keep progress");
    options.keep(now);
  };
  const { position } = progress;
  read(bytesBefore(progress, options.inputs));
  for (const [i, input] of options.inputs.entries()) {
    if (i < position.input) continue;
    const offset = i === position.input ? position.offset : 0;
    const hash = createHash("sha256");
    for await (const piece of piecesFrom(offset, { at: i, progress, options, hash })) {
      if (options.stop.aborted) return undefined;
      const side = sides[piece.part];
      const ids = await idsOf(piece, { input, tokenizer });
      side.write(ids);
      if (piece.ends) side.write(end);
      side.count({ ...piece, unknown: countUnknown(ids, tokenizer) });
      const { shardTokens } = progress.options;
      const full = train.tokens >= shardTokens || validation.tokens >= shardTokens;
      if (full && piece.next !== undefined) commit(i, piece.next);
    }
    // The bytes must be those of the first pass: disk errors change neither size nor mtime.
    if (hash.digest("hex") !== progress.inputs[i]?.sha256) throw changed(input.name);
    await checkUnchanged(input);
  }
  commit(progress.inputs.length, 0);
  return { progress: now, hashes: { train: train.hash, validation: validation.hash } };
}

/** Unknown tokens of both sides. */
function unknownIn(sides: Readonly<Record<TextPart, SideWriter>>): Unknown {
  const all = TEXT_PARTS.map((part) => sides[part]);
  return {
    unknown: all.reduce((sum, { side }) => sum + (side.unknown ?? 0), 0),
    tokens: all.reduce((sum, { side, tokens }) => sum + side.tokens + tokens, 0),
  };
}

/** Bytes on disk before the resume position. */
function bytesBefore({ position }: PrepareProgress, inputs: readonly Input[]): number {
  const whole = inputs.slice(0, position.input).reduce((sum, { bytes }) => sum + bytes, 0);
  const input = inputs[position.input];
  // A gzip file is read from its start.
  return whole + (input === undefined || input.packed ? 0 : position.offset);
}

async function* piecesFrom(
  offset: number,
  { at, progress, options, hash }: {
    at: number;
    progress: PrepareProgress;
    options: EncodeOptions;
    /** Updated with all bytes of the file. */
    hash: Hash;
  },
): AsyncGenerator<TextPiece> {
  const [input, scanned] = [options.inputs[at], progress.inputs[at]];
  if (input === undefined || scanned === undefined) return;
  const { extent } = scanned;
  const from = Math.max(offset, extent.start);
  const raw = (chunk: Uint8Array) => {
    hash.update(chunk);
    options.read(chunk.length);
  };
  if (!input.packed) await hashBefore(from, { input, hash });
  await using stream = new ByteStream(input, { from, raw });
  const cut = (text: string) => options.tokenizer.cut(text);
  yield* piecesOf(stream, { ...progress.options, input, extent, cut });
  await drain(stream);
}

/** Hashes the bytes before `end`, encoded by an earlier process. */
async function hashBefore(
  end: number,
  { input, hash }: { input: Input; hash: Hash },
): Promise<void> {
  await using stream = new ByteStream(input);
  while (stream.position < end) {
    const bytes = await stream.peek(Math.min(1 << 20, end - stream.position));
    if (bytes.length === 0) throw changed(input.name);
    hash.update(bytes);
    stream.take(bytes.length);
  }
}

/** UTF-16 units encoded in well under a second; most pieces have fewer. */
const SHORT = 1 << 20;

async function idsOf(
  { text }: TextPiece,
  { input, tokenizer }: { input: Pick<Input, "name">; tokenizer: Tokenizer },
): Promise<Uint32Array> {
  try {
    if (text.length <= SHORT) return tokenizer.encode(text);
    return await runBlocking(() => tokenizer.encode(text));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(error.exit, `Cannot prepare ${input.name}: ${error.message}`);
  }
}
