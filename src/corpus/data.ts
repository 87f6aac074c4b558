/** Opens the data that a config names, and computes the hash by which a resume verifies it. */
import { basename } from "node:path";
import { runBlocking } from "../base/blocking.ts";
import { hashValue, sha256 } from "../base/hash.ts";
import { rootKey } from "../base/random.ts";
import { UserError } from "../base/user_error.ts";
import type { RunConfig } from "../config/schema.ts";
import { isEndToken, unescaped } from "../data/document_end.ts";
import { isPipe } from "../data/pipe.ts";
import { isPrepared } from "../data/prepared/open.ts";
import { readText } from "../data/read.ts";
import { leastEvaluated, sourceMakerOf, taskOf } from "../data/sources/mod.ts";
import { textIn } from "../data/text.ts";
import type { Tokenizer } from "../data/tokenizers/types.ts";
import { countUnknown, unknownNote } from "../data/unknown.ts";
import { split } from "../data/windows.ts";
import { type Corpus, sourceIn } from "./corpus.ts";
import { requireSoundSource } from "./examined.ts";
import { fromFolders } from "./folders.ts";
import { fromPairs } from "./pairs.ts";
import {
  corpusOf,
  type Data,
  holdToAsked,
  requireHash,
  type Settled,
  withSourceTokens,
} from "./settled.ts";
import { readImages } from "./images.ts";
import { requireEnds, splitStarts, tokensOfText } from "./text_tokens.ts";
import { tokenizerNamed } from "./tokenizer.ts";

export type { Data, Settled } from "./settled.ts";

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
  const { needsText, needsImages } = sourceMakerOf(data);
  if (needsImages) return await readImages(data, settled);
  if (!needsText) {
    const hash = hashValue({ source: data.source });
    return { corpus: { texts: [], vocabulary: 0 }, hash, notes: [] };
  }
  if (sourceMakerOf(data).reads === "pairs") return await fromPairs(config, settled);
  if (data.mix !== null) {
    return await fromFolders(config, Object.entries(data.mix), settled);
  }
  if (data.path !== null && isPrepared(data.path)) {
    return await fromFolders(config, [[data.path, 1]], settled);
  }
  return await fromText(config, settled);
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
  const tokenizer = withSourceTokens(
    settled?.tokenizer ?? await tokenizerNamed(data.tokenizer ?? "char", text, end),
    data,
  );
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
