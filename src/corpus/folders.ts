/** Opens the prepared folders of a run, which are read by position. */
import { basename, resolve } from "node:path";
import { runBlocking } from "../base/blocking.ts";
import { hashValue } from "../base/hash.ts";
import { UserError } from "../base/user_error.ts";
import type { RunConfig } from "../config/schema.ts";
import { isEndToken, shown, unescaped } from "../data/document_end.ts";
import { openPrepared, type Prepared } from "../data/prepared/open.ts";
import { verifyPrepared } from "../data/prepared/verify.ts";
import { END_TEXT } from "../data/tokenizers/types.ts";
import { unknownNote } from "../data/unknown.ts";
import { folderText } from "./folder_text.ts";
import {
  corpusOf,
  type Data,
  holdToAsked,
  plainHash,
  requireHash,
  type Settled,
  withSourceTokens,
} from "./settled.ts";

/** The data of folders and their weights. @throws {UserError} when they do not fit each other. */
export async function fromFolders(
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
  const tokenizer = withSourceTokens(first.tokenizer, data);
  const known = settled?.tokenizer === undefined ? [] : [
    { path: settled.by, tokenizerHash: plainHash(settled.tokenizer) },
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
