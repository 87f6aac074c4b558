/**
 * Examines the source of a module of the user in a child process, before this process or a worker
 * uses it. Shoal's own sources are not examined.
 */
import { bytesOf, sha256 } from "../base/hash.ts";
import { rootKey } from "../base/random.ts";
import { EXIT, type ExitName, UserError } from "../base/user_error.ts";
import { moduleFilesOf } from "../config/user/user_modules.ts";
import type { RunConfig } from "../config/schema.ts";
import type { Batch, BatchAddress } from "../data/source.ts";
import { needsTokenizer } from "../data/sources/mod.ts";
import type { TokenizerSpec } from "../data/schema.ts";
import { userSource } from "../data/sources/define.ts";
import { runUserCode } from "../modules/user_child.ts";
import { type Corpus, sourceIn } from "./corpus.ts";
import { isEvaluable } from "./evaluable.ts";
import { foldersOf } from "./folder_text.ts";
import { sendTexts, type SentText } from "./sent_texts.ts";

/** The input of workers/source_check.ts. */
export interface SourceCheck {
  readonly config: RunConfig;
  readonly vocabulary: number;
  readonly tokenizer: TokenizerSpec | null;
  readonly texts: readonly SentText[];
  readonly addresses: readonly BatchAddress[];
  readonly evaluates: boolean;
}

/** What workers/source_check.ts says. */
export type SourceCheckSays =
  /** What it makes next. */
  | { readonly next: string }
  /** What was found to be wrong. */
  | { readonly fault: string }
  /** What a function of the source refused. */
  | { readonly exit: string; readonly message: string }
  /** The hashes of the first batch. */
  | { readonly hashes: Readonly<Record<string, string>> };

/** Time limit for a batch, and for make(), ms. */
const LIMIT_MS = 30_000;

/** What of a source is examined, and how long one call may take. */
export interface ExamineOptions {
  /** Default: the first and last micro-batches of the run. */
  readonly addresses?: readonly BatchAddress[];
  /** Time limit for a batch, ms. */
  readonly limit?: number;
}

/**
 * Requires batches of a module's source to be pure, to end, and to have targets to evaluate.
 * @throws {UserError} `data` with what differs or lacks; `config` where make() or the task throws.
 */
export async function requireSoundSource(
  config: RunConfig,
  corpus: Corpus,
  options: ExamineOptions = {},
): Promise<void> {
  const { data } = config;
  const { source, module, sha256: own } = data as typeof data & Record<"module" | "sha256", string>;
  if (userSource(own) === undefined) return;
  const { addresses = addressesOf(config), limit = LIMIT_MS } = options;
  const { texts, tokens } = sendTexts(corpus.texts);
  const input: SourceCheck = {
    config,
    vocabulary: corpus.vocabulary,
    tokenizer: needsTokenizer(data) ? corpus.tokenizer?.toJSON() ?? null : null,
    texts,
    addresses,
    evaluates: isEvaluable(config, corpus),
  };
  const refused = (text: string) =>
    new UserError("data", `Cannot use the batches of source ${source} (${module}): ${text}`);
  let next = "its module";
  let found: UserError | undefined;
  let hashes: Readonly<Record<string, string>> = {};
  const ended = await runUserCode({
    script: "workers/source_check.ts",
    reads: [...(await moduleFilesOf(config)).keys(), ...foldersOf(corpus.texts)],
    input,
    payload: bytesOf(tokens),
    limit,
    said(value) {
      const says = value as SourceCheckSays;
      if ("next" in says) next = says.next;
      else if ("fault" in says) found = refused(says.fault);
      else if ("hashes" in says) hashes = says.hashes;
      else {
        const exit = Object.hasOwn(EXIT, says.exit) ? says.exit as ExitName : "data";
        found = new UserError(exit, says.message);
      }
    },
  });
  if (found !== undefined) throw found;
  if (ended === "late") throw refused(`${next} takes longer than ${limit / 1000} s`);
  if (typeof ended === "object") throw refused(`${next}: ${ended.reason}`);
  const [first] = addresses;
  if (ended === "skipped" || first === undefined) return;
  const here = batchHashes(sourceIn(config, corpus, rootKey(config.seed)).train(first));
  const name = Object.keys(here).find((name) => here[name] !== hashes[name]);
  if (name === undefined) return;
  throw refused(
    `need equal batches in every process: step ${first.step}, micro-batch ${first.microBatch} ` +
      `has other ${name} in another one`,
  );
}

/** What of a module's source is wrong at a step and the one behind it, which is made ahead. */
export async function sourceFaultAt(
  config: RunConfig,
  corpus: Corpus,
  step: number,
  limit: number = LIMIT_MS,
): Promise<UserError | undefined> {
  const addresses = Array.from({ length: 2 * config.micro_batches }, (_, i) => ({
    step: step + Math.floor(i / config.micro_batches),
    microBatch: i % config.micro_batches,
  })).filter((at) => at.step < config.steps);
  try {
    await requireSoundSource(config, corpus, { addresses, limit });
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}

/** The ends of a run, where a source may begin and run out. */
function addressesOf({ steps, micro_batches }: RunConfig): BatchAddress[] {
  const last = { step: steps - 1, microBatch: micro_batches - 1 };
  const all = [{ step: 0, microBatch: 0 }, { step: 0, microBatch: last.microBatch }, {
    step: last.step,
    microBatch: 0,
  }, last];
  return Array.from(new Map(all.map((at) => [`${at.step} ${at.microBatch}`, at])).values());
}

/** SHA-256 (hex) of each part of a batch, by name. */
export function batchHashes({ tensors, counted, fresh }: Batch): Record<string, string> {
  const numbers = Object.entries(tensors).map(([name, data]) => [name, sha256(bytesOf(data))]);
  return { ...Object.fromEntries(numbers), counted: `${counted}`, fresh: JSON.stringify(fresh) };
}
