/**
 * Prepares text files as a folder of tokens: scans the files, builds the tokenizer, then writes
 * shards. After a stop or kill, the same call resumes and produces the same bytes.
 */
import { runBlocking } from "../base/blocking.ts";
import { fileFault, withFileFaultsAsync } from "../base/file_fault.ts";
import { isLockLost, UserError } from "../base/user_error.ts";
import { shown } from "../data/document_end.ts";
import type { PreparedIndex, PrepareOptions } from "../data/prepared/schema.ts";
import { preparedHash } from "../data/prepared/token_hash.ts";
import type { TokenizerBuilder } from "../data/tokenizers/build.ts";
import { tokenizerHash } from "../data/tokenizers/mod.ts";
import type { Tokenizer } from "../data/tokenizers/types.ts";
import { MAX_UNKNOWN, requireKnown } from "../data/unknown.ts";
import { encode } from "./encode.ts";
import { OutFolder } from "./folder.ts";
import { findInputs } from "./find.ts";
import type { Input } from "./inputs.ts";
import { countOf } from "./meter.ts";
import { differenceOf, requireSame } from "./compare.ts";
import { scan } from "./scan.ts";
import type { PrepareProgress } from "./schema.ts";
import { type PrepareRequest, resolveOptions } from "./resolve_options.ts";
import { NO_SIDE } from "./shard_writer.ts";
import { Spool } from "./spool.ts";

export type { PrepareRequest } from "./resolve_options.ts";

/** Progress events. */
export type PrepareEvent =
  | { readonly type: "inputs"; readonly files: number; readonly bytes: number }
  | { readonly type: "resume"; readonly shards: number }
  | { readonly type: "read"; readonly phase: "scan" | "encode"; readonly bytes: number }
  | { readonly type: "note"; readonly text: string };

/** Callbacks and stop signal. */
export interface PrepareHooks {
  readonly show?: (event: PrepareEvent) => void;
  readonly stop?: AbortSignal;
  /** For tests: called before each effect with its name. */
  readonly at?: (point: string) => void;
}

/** How it ended. `nothing`: the folder was already complete. */
export interface PrepareOutcome {
  readonly ended: "done" | "nothing" | "stopped";
  readonly index?: PreparedIndex;
}

/** Runs or resumes a preparation. @throws {UserError} for errors that the user can fix. */
export async function prepare(
  request: PrepareRequest,
  { show = () => {}, stop = new AbortController().signal, at = () => {} }: PrepareHooks = {},
): Promise<PrepareOutcome> {
  const { files, pipes, notes } = await findInputs(request.names);
  const say = (text: string) => show({ type: "note", text });
  notes.forEach(say);
  // The content of a pipe is known only after it was read. Without pipes, validate the request
  // before creating the folder.
  const settled = pipes.length === 0 ? await resolveOptions(request, files) : undefined;
  using folder = await OutFolder.open(request.out);
  using spool = new Spool(folder);
  const kept = await withFileFaultsAsync(
    { doing: "write to", path: request.out },
    () => spool.keep(pipes, { say, stop }),
  );
  if (kept === undefined) return { ended: "stopped" };
  const inputs = [...files, ...kept].sort((a, b) => a.name < b.name ? -1 : 1);
  const { options, builder } = settled ?? await resolveOptions(request, inputs);
  const requested = { options, inputs };
  const { index, progress } = folder.state();
  if (index !== undefined) {
    await requireSame(request.out, { existing: index, requested });
    folder.tidy();
    return { ended: "nothing", index };
  }
  const bytes = inputs.reduce((sum, input) => sum + input.bytes, 0);
  show({ type: "inputs", files: inputs.length, bytes });
  const hooks = { show, stop, at };
  try {
    // A preparation without shards has no work to lose: a different request may replace it.
    const isTaken = progress !== undefined && shardsOf(progress) === 0 &&
      await differenceOf({ existing: progress, requested }) !== undefined;
    if (isTaken) folder.clear();
    const begun = progress === undefined || isTaken
      ? await begin(folder, { requested, builder, hooks, explicit: request.ends === true })
      : await goOn(folder, { requested, progress, hooks });
    if (begun === undefined) return { ended: "stopped" };
    const { maxUnknown = MAX_UNKNOWN } = request;
    return await finish(folder, { ...begun, inputs, hooks, maxUnknown });
  } catch (error) {
    if (error instanceof UserError && !isLockLost(error)) clearUnlessShards(folder);
    throw fileFault(error, { doing: "write to", path: request.out });
  }
}

/**
 * After an error before the first shard, clear the folder so that a corrected request is accepted.
 */
function clearUnlessShards(folder: OutFolder): void {
  const { progress } = folder.state();
  if (progress !== undefined && shardsOf(progress) === 0) folder.clear();
}

function shardsOf({ train, validation }: PrepareProgress): number {
  return train.shards.length + validation.shards.length;
}

/** State before the second pass. */
interface Begun {
  readonly progress: PrepareProgress;
  readonly tokenizer: Tokenizer;
}

type Hooks = Required<PrepareHooks>;
type Request = { readonly options: PrepareOptions; readonly inputs: readonly Input[] };

/** The first pass, and the tokenizer it builds. */
async function begin(
  folder: OutFolder,
  { requested, builder, hooks, explicit }: {
    requested: Request;
    builder: TokenizerBuilder;
    hooks: Hooks;
    /** Whether the user asked for end-of-document tokens. */
    explicit: boolean;
  },
): Promise<Begun | undefined> {
  const { show, stop, at } = hooks;
  const read = (bytes: number) => show({ type: "read", phase: "scan", bytes });
  const found = await scan(requested.inputs, { options: requested.options, builder, read, stop });
  if (found === undefined) return undefined;
  const { inputs, ends } = found;
  const tokenizer = await runBlocking(() => builder.build());
  const notes = [...builder.notes];
  const { documentEnd } = requested.options;
  if (documentEnd !== null) notes.push(`${shown(documentEnd)} ends ${countOf(ends, "document")}`);
  if (requested.options.ends && tokenizer.end === undefined) {
    const lack = "the tokenizer has no token that ends documents";
    if (explicit) throw new UserError("config", `Cannot end documents with a token: ${lack}`);
    notes.push(`${lack}: nothing stands between them`);
  }
  for (const text of notes) show({ type: "note", text });
  at("keep tokenizer");
  folder.keepTokenizer(tokenizer);
  const progress: PrepareProgress = {
    format: "shoal-prepare-1",
    options: requested.options,
    inputs,
    tokenizer: { hash: tokenizerHash(tokenizer), vocabulary: tokenizer.size },
    position: { input: 0, offset: 0 },
    train: NO_SIDE,
    validation: NO_SIDE,
  };
  at("keep progress");
  folder.keep(progress);
  return { progress, tokenizer };
}

/** Resumes what another process left. */
async function goOn(
  folder: OutFolder,
  { requested, progress, hooks }: { requested: Request; progress: PrepareProgress; hooks: Hooks },
): Promise<Begun> {
  await requireSame(folder.path, { existing: progress, requested });
  const shards = shardsOf(progress);
  if (shards > 0) hooks.show({ type: "resume", shards });
  // The same bytes may have moved or been touched: take present names and times.
  const inputs = progress.inputs.map((input, i) => {
    const { name, modified } = requested.inputs[i] as Input;
    return { ...input, name, modified };
  });
  const tokenizer = folder.tokenizer(progress.tokenizer.hash);
  return { progress: { ...progress, inputs }, tokenizer };
}

async function finish(
  folder: OutFolder,
  { progress, tokenizer, inputs, hooks, maxUnknown }: Begun & {
    inputs: readonly Input[];
    hooks: Hooks;
    maxUnknown: number;
  },
): Promise<PrepareOutcome> {
  const { show, stop, at } = hooks;
  const encoded = await encode(progress, {
    folder: folder.path,
    check: () => folder.check(),
    inputs,
    tokenizer,
    read: (bytes) => show({ type: "read", phase: "encode", bytes }),
    keep: (reached) => folder.keep(reached),
    at,
    stop,
    known: (found) =>
      requireKnown("the inputs", { ...found, most: maxUnknown, option: "--max-unknown" }),
  });
  if (encoded === undefined) return { ended: "stopped" };
  const index = indexOf(encoded.progress, encoded.hashes);
  at("keep index");
  folder.finish(index);
  return { ended: "done", index };
}

function indexOf(
  { options, inputs, tokenizer, train, validation }: PrepareProgress,
  hashes: Readonly<Record<"train" | "validation", string>>,
): PreparedIndex {
  const splitOf = (part: "train" | "validation") => {
    const { chain: _, ...side } = part === "train" ? train : validation;
    return { ...side, hash: hashes[part] };
  };
  const splits = { train: splitOf("train"), validation: splitOf("validation") };
  return {
    format: "shoal-tokens-1",
    hash: preparedHash(tokenizer.hash, splits),
    tokenizer,
    options,
    inputs: inputs.map(({ extent: _, ...input }) => input),
    ...splits,
  };
}
