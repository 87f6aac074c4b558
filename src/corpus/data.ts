/** Opens the data that a config names, and computes the hash by which a resume verifies it. */
import { basename, resolve } from "node:path";
import { runBlocking } from "../base/blocking.ts";
import { hashValue, sha256 } from "../base/hash.ts";
import { rootKey } from "../base/random.ts";
import { UserError } from "../base/user_error.ts";
import type { RunConfig } from "../config/schema.ts";
import { isEndToken, shown, unescaped } from "../data/document_end.ts";
import type { DataConfig } from "../data/schema.ts";
import { isPipe } from "../data/pipe.ts";
import { isPrepared, openPrepared, type Prepared } from "../data/prepared/open.ts";
import { verifyPrepared } from "../data/prepared/verify.ts";
import { readText } from "../data/read.ts";
import { leastEvaluated, sourceMakerOf, taskOf } from "../data/sources/mod.ts";
import { textIn } from "../data/text.ts";
import { tokenizerHash } from "../data/tokenizers/mod.ts";
import { END_TEXT, type Tokenizer } from "../data/tokenizers/types.ts";
import { countUnknown, unknownNote } from "../data/unknown.ts";
import { split } from "../data/windows.ts";
import { type Corpus, sourceIn } from "./corpus.ts";
import { requireSoundSource } from "./examined.ts";
import { folderText } from "./folder_text.ts";
import { requireEnds, splitStarts, tokensOfText } from "./text_tokens.ts";
import { requireTokenizer, tokenizerNamed } from "./tokenizer.ts";

/** Data of a run. */
export interface Data {
  readonly corpus: Corpus;
  /** SHA-256 of the text, of the prepared tokens, or of the synthetic source. */
  readonly hash: string;
  /** Notices for the user. */
  readonly notes: readonly string[];
}

/** Constraints from an existing model or checkpoint, known before any text is read. */
export interface Settled {
  /** Origin of the constraints in errors: `the checkpoint`. */
  readonly by: string;
  readonly tokenizer: Tokenizer | undefined;
  /** Vocabulary of the model; default: the tokenizer's size. */
  readonly vocabulary?: number | undefined;
  /** Required data hash of a resumed run. */
  readonly hash?: string | undefined;
  /** Evaluation only: a text of a single document is allowed. */
  readonly evaluates?: boolean;
}

/** Reads a run's data. @throws {UserError} when it is unusable or violates `settled`. */
export async function readData(config: RunConfig, settled?: Settled): Promise<Data> {
  const data = await dataOf(config, settled);
  await requireSoundSource(config, data.corpus, settled?.evaluates ? { addresses: [] } : {});
  // Fail fast when a prompt is empty or a text too short.
  const { tokenizer } = data.corpus;
  const prompts = config.report.prompts.flatMap((prompt) => notesOfPrompt(prompt, tokenizer));
  sourceIn(config, data.corpus, rootKey(config.seed));
  return { ...data, notes: [...data.notes, ...prompts] };
}

/**
 * Checks the training texts before anything starts. @throws {UserError} `data` when one is too
 * short.
 */
export function requireTraining(config: RunConfig, corpus: Corpus): void {
  sourceIn(config, corpus, rootKey(config.seed)).requireTraining?.();
}

/** Notices of unknown tokens in a prompt. @throws {UserError} for an empty prompt. */
function notesOfPrompt(prompt: string, tokenizer: Tokenizer | undefined): string[] {
  if (tokenizer === undefined) return [];
  const name = `the prompt ${JSON.stringify(prompt)}`;
  const tokens = promptTokens(prompt, tokenizer);
  if (tokens.length === 0) {
    throw new UserError(
      "config",
      `Cannot sample: need prompts (report.prompts) of at least one token: ${
        JSON.stringify(prompt)
      }`,
    );
  }
  const unknown = countUnknown(tokens, tokenizer);
  const note = unknownNote(name, { unknown, tokens: tokens.length });
  return note === undefined ? [] : [note];
}

function promptTokens(prompt: string, tokenizer: Tokenizer): Uint32Array {
  try {
    return tokenizer.encode(prompt);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const message = `Cannot sample (report.prompts) ${JSON.stringify(prompt)}: ${error.message}`;
    throw new UserError("config", message);
  }
}

async function dataOf(config: RunConfig, settled: Settled | undefined): Promise<Data> {
  const { data } = config;
  if (!sourceMakerOf(data).needsText) {
    const hash = hashValue({ source: data.source });
    return { corpus: { texts: [], vocabulary: 0 }, hash, notes: [] };
  }
  if (data.mix !== null) {
    return await fromFolders(config, Object.entries(data.mix), settled);
  }
  if (data.path !== null && isPrepared(data.path)) {
    return await fromFolders(config, [[data.path, 1]], settled);
  }
  return await fromText(config, settled);
}

/** Verifies the data hash before the data is processed. */
function requireHash(hash: string, settled: Settled | undefined): void {
  if (settled?.hash === undefined || settled.hash === hash) return;
  throw new UserError(
    "incompatible",
    `Cannot go on with ${settled.by}: the text (data.path) must be the one that was trained on: ` +
      `its SHA-256 is ${hash}, the checkpoint's ${settled.hash}`,
  );
}

/** Loads a text file into memory. */
async function fromText({ data }: RunConfig, settled: Settled | undefined): Promise<Data> {
  const text = await readText(data.path);
  const hash = await runBlocking(() => sha256(new TextEncoder().encode(text)));
  requireHash(hash, settled);
  await holdToAsked(data, { settled });
  const name = data.path ?? "the default text";
  const end = data.document_end === null ? null : unescaped(data.document_end);
  // Fail before the slow encoding when the text lacks its document end. <|endoftext|> may come from
  // the tokenizer: it is checked after encoding.
  if (end !== null && !isEndToken(end) && !text.includes(end) && !settled?.evaluates) {
    requireEnds(text, { name, end, begins: [] });
  }
  const tokenizer = settled?.tokenizer ?? await tokenizerNamed(data.tokenizer ?? "char", text, end);
  const { tokens, begins, notes } = await tokensOfText(text, {
    name,
    tokenizer,
    end,
    // A resumed run was already checked when it started.
    most: settled?.hash === undefined ? data.max_unknown : 1,
    option: "--data.max_unknown",
  });
  if (!settled?.evaluates) requireEnds(text, { name, end, begins });
  const { time } = taskOf(data, tokenizer.size);
  const parts = split(tokens, { ...data, seq_len: time, least: leastEvaluated(data) });
  const read = textIn(parts, {
    name: data.path === null ? "moby_dick" : basename(data.path),
    begins: begins && splitStarts(begins, parts.train.length),
  });
  const once = data.path !== null && settled?.hash === undefined && await isPipe(data.path)
    ? [`${name} is a pipe: a resume needs the same text again, by --data`]
    : [];
  return {
    corpus: corpusOf({ texts: [read], tokenizer, settled }),
    hash,
    notes: [...notes, ...once],
  };
}

/** Verifies that the existing tokenizer of a model or folder is the configured one. */
async function holdToAsked(
  { tokenizer: wanted }: DataConfig,
  { settled, first }: { settled: Settled | undefined; first?: Prepared },
): Promise<void> {
  // A resumed run keeps its tokenizer; its config is verified elsewhere.
  if (wanted === null || settled?.hash !== undefined) return;
  if (first !== undefined) {
    const { path: by, tokenizerHash: hash, tokenizerName: name } = first;
    await requireTokenizer(wanted, { by, hash, name });
  } else if (settled?.tokenizer !== undefined) {
    await requireTokenizer(wanted, { by: settled.by, hash: tokenizerHash(settled.tokenizer) });
  }
}

/** Opens prepared folders, which are read by position. */
async function fromFolders(
  { data }: RunConfig,
  weights: readonly (readonly [string, number])[],
  settled: Settled | undefined,
): Promise<Data> {
  const all: (Prepared & { readonly weight: number })[] = [];
  for (const [path, weight] of weights) all.push({ ...await openVerified(resolve(path)), weight });
  const [first] = all;
  if (first === undefined) {
    throw new UserError("config", "Cannot mix texts: need at least one folder in data.mix: none");
  }
  const twice = all.find(({ path }, i) => all.findIndex((other) => other.path === path) < i);
  if (twice !== undefined) {
    throw new UserError("config", `Cannot mix texts: need each once in data.mix: ${twice.path}`);
  }
  const { tokenizer } = first;
  const known = settled?.tokenizer === undefined ? [] : [
    { path: settled.by, tokenizerHash: tokenizerHash(settled.tokenizer) },
  ];
  for (const { path, tokenizerHash } of [...known, ...all]) {
    if (tokenizerHash === first.tokenizerHash) continue;
    throw new UserError(
      "incompatible",
      `Cannot read ${first.path} together with ${path}: need one tokenizer: its SHA-256 is ` +
        `${first.tokenizerHash}, the other's ${tokenizerHash}`,
    );
  }
  await holdToAsked(data, { settled, first });
  const hashes = all.map(({ hash, weight }) => ({ hash, weight }));
  const hash = all.length === 1 ? first.hash : hashValue(hashes);
  requireHash(hash, settled);
  const names = namesOf(all.map(({ path }) => path));
  const documents = data.document_end !== null;
  if (data.document_end !== null) {
    requireSameEnd(all, unescaped(data.document_end));
    if (!settled?.evaluates) requireDocuments(all);
  }
  const texts = all.map(({ path, weight }, i) =>
    folderText(path, { name: names[i] as string, weight, documents })
  );
  return {
    corpus: corpusOf({ texts, tokenizer, settled }),
    hash,
    notes: all.flatMap((prepared) => notesOf(prepared, documents)),
  };
}

/** Verifies `data.document_end` against the prepared folders. @throws {UserError} `data` */
function requireSameEnd(all: readonly Prepared[], end: string): void {
  for (const { path, documentEnd } of all) {
    if (isEndToken(end) || end === documentEnd) continue;
    const own = documentEnd === null ? "" : ` or ${shown(documentEnd)}`;
    throw new UserError(
      "data",
      `Cannot tell documents apart in ${path}: need data.document_end=${END_TEXT}${own}, for its ` +
        `text is tokens already: ${
          shown(end)
        }; prepare it again with --document-end to cut it there`,
    );
  }
}

/** @throws {UserError} `data` when there is only one document to train on. */
function requireDocuments(all: readonly Prepared[]): void {
  if (all.some(({ train }) => train.documents > 1)) return;
  const [{ path }] = all as [Prepared];
  throw new UserError(
    "data",
    `Cannot tell documents apart in ${path}: need more than one to train on: it was prepared as ` +
      "one; prepare it again with --document-end",
  );
}

function notesOf({ path, train, validation, unknown }: Prepared, documents: boolean): string[] {
  const note = unknown === undefined ? undefined : unknownNote(path, {
    unknown,
    tokens: train.tokens + validation.tokens,
  });
  return [
    ...documents
      ? [
        `${path} holds ${train.documents} documents to train on, ${validation.documents} to validate on`,
      ]
      : [],
    ...note === undefined ? [] : [note],
  ];
}

/**
 * Folders up to this many tokens are verified before a run starts (1 to 2 s), larger ones as they
 * are read.
 */
const LOOKED_OVER = 2 ** 29;

async function openVerified(path: string): Promise<Prepared> {
  const prepared = openPrepared(path);
  const { train, validation } = prepared;
  if (train.tokens + validation.tokens <= LOOKED_OVER) {
    await runBlocking(() => verifyPrepared(path));
  }
  return prepared;
}

/** Base names of folders, or full paths when base names collide. */
function namesOf(paths: readonly string[]): readonly string[] {
  const names = paths.map((path) => basename(path));
  return new Set(names).size === names.length ? names : paths;
}

function corpusOf(
  { texts, tokenizer, settled }: Pick<Corpus, "texts"> & {
    tokenizer: Tokenizer;
    settled: Settled | undefined;
  },
): Corpus {
  const vocabulary = settled?.vocabulary ?? tokenizer.size;
  if (tokenizer.size > vocabulary) {
    throw new UserError(
      "incompatible",
      `Cannot use the tokenizer: need at most the model's ${vocabulary} tokens: it has ${tokenizer.size}`,
    );
  }
  return { texts, vocabulary, tokenizer };
}
