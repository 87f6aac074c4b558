/** The command `eval`: computes the loss of a stored model on a whole validation part. */
import { basename } from "node:path";
import { runBlocking } from "../../base/blocking.ts";
import { UserError } from "../../base/user_error.ts";
import type { ExitName } from "../../base/user_error.ts";
import { sayLines, sayText } from "../../base/text/say.ts";
import { resolveConfig } from "../../config/resolve.ts";
import type { RunConfig } from "../../config/schema.ts";
import { unescaped } from "../../data/document_end.ts";
import { isPrepared } from "../../data/prepared/open.ts";
import { readText } from "../../data/read.ts";
import { SOURCES } from "../../data/sources/mod.ts";
import { type Text, textIn } from "../../data/text.ts";
import type { Corpus } from "../../corpus/corpus.ts";
import { type Data, readData } from "../../corpus/data.ts";
import { cardsFor } from "../../../workers/launch/cards.ts";
import { evaluateModel } from "../../../workers/coordinator/evaluate.ts";
import { targetExtent, type TextExtent } from "../../corpus/extent.ts";
import { NO_DATA } from "../../corpus/corpus.ts";
import { initialOf } from "../../artifacts/initial.ts";
import { openModel } from "../../artifacts/model.ts";
import type { OpenedModel } from "../../artifacts/model.ts";
import { codeAsBegun } from "../../../workers/launch/code.ts";
import { spawnWorkers } from "../../../workers/launch/spawn.ts";
import { tokensOfText } from "../../corpus/text_tokens.ts";
import { foldersOf } from "../../corpus/folder_text.ts";
import { runCommand } from "../command.ts";
import { EVAL, type EvalRequest, parseEval } from "./request.ts";
import { evalLines, type EvalReport, faultIn, measureTexts } from "./report.ts";
import { flagsHelp } from "../flags.ts";
import { INTERRUPTED, stopOnSignals } from "../../terminal/signals.ts";
import { openStatus, watching } from "../../terminal/status.ts";

/** Runs `eval` with command-line arguments. */
export async function evalCommand(args: readonly string[]): Promise<ExitName> {
  const request = parseEval(args);
  if (request === "help") {
    sayText(flagsHelp(EVAL));
    return "done";
  }
  codeAsBegun(); // Reading a model and a text takes its time.
  using status = openStatus();
  status.show(`reading ${request.path}`);
  const warn = (text: string) => status.print(text);
  const opened = await openModel(request.path, { which: request.which, warn });
  const config = configOf(opened, request);
  status.show("reading the text");
  const { corpus, notes } = await dataOf(opened, config, request.data);
  for (const note of notes) warn(note);
  const reads = foldersOf(corpus.texts);
  const { stop, requeued } = stopOnSignals({
    text: "Stopping the evaluation; once more to stop at once",
  });
  const found = await evaluateModel({
    config,
    params: initialOf(config, opened).params,
    corpus,
    cards: await cardsFor(config, warn),
    launch: (options, onEvent) => spawnWorkers({ ...options, reads }, onEvent),
    show: watching(status),
    stop,
  });
  status.end();
  if (found === undefined) {
    warn("Stopped before the evaluation was over");
    if (requeued()) return "requeue";
    Deno.exit(INTERRUPTED);
  }
  const { texts } = corpus;
  const { targetKind } = opened;
  const extents = await runBlocking(() =>
    texts.map((text) => extentOf(text, { ...corpus, targetKind }))
  );
  const report: EvalReport = {
    path: opened.path,
    step: opened.step ?? null,
    window: config.data.bptt ?? config.data.seq_len,
    stride: config.eval.stride,
    accuracy: opened.targetKind === "next_token" ? null : found.accuracy ?? null,
    ...measureTexts(
      found,
      texts.length === 0
        ? [{ name: config.data.source, extent: undefined }]
        : texts.map(({ name }, i) => ({ name, extent: extents[i] })),
    ),
  };
  sayLines(request.json ? [JSON.stringify(report)] : evalLines(report));
  const fault = faultIn(report);
  if (fault !== undefined) throw fault;
  return "done";
}

/** The text of the evaluated tokens; undefined where they do not decode to text. */
function extentOf(
  { validation }: Text,
  { tokenizer, targetKind }: Pick<Corpus, "tokenizer"> & Pick<OpenedModel, "targetKind">,
): TextExtent | undefined {
  // A word tokenizer does not keep the white space between words.
  if (targetKind !== "next_token" || tokenizer === undefined || tokenizer.kind === "word") {
    return undefined;
  }
  return targetExtent(validation, tokenizer);
}

/** The config by which a model is evaluated: that of its run, as far as it has one. */
function configOf(
  { path, config, model, context, targetKind }: OpenedModel,
  { data, stride, workers, gpus, device, maxUnknown }: EvalRequest,
): RunConfig {
  if (config === undefined && targetKind !== "next_token") {
    throw new UserError(
      "config",
      `Cannot evaluate ${path}: need its run, which says what is asked: it gives labels`,
    );
  }
  const base = config ?? resolveConfig({ model, data: { seq_len: context } });
  const { seq_len: window, bptt, source } = base.data;
  if (data !== undefined && !SOURCES[source].needsText) {
    throw new UserError(
      "config",
      `Cannot take --data: need a model that reads a text: ${path} reads its source ${source}: ${data}`,
    );
  }
  const slides = bptt === null && (source === "text" || source === "truecase");
  if (stride !== undefined && !slides) {
    throw new UserError(
      "config",
      `Cannot take --stride: need windows that slide, which ${path} does not have: ${stride}`,
    );
  }
  return resolveConfig({
    ...base,
    workers,
    gpus,
    // As many as workers at least, where what a window is asked does not depend on them.
    micro_batches: bptt === null
      ? Math.max(base.micro_batches, 2 ** Math.ceil(Math.log2(workers)))
      : base.micro_batches,
    device,
    init: null,
    out: null,
    // The model brings its tokenizer, whatever its run made it of.
    data: {
      ...base.data,
      tokenizer: null,
      max_unknown: maxUnknown,
      ...(data !== undefined && { path: data, mix: null }),
    },
    eval: { every: 0, windows: 0, stride: slides ? stride ?? Math.ceil(window / 2) : null },
  });
}

/** What a model is evaluated on. */
async function dataOf(
  opened: OpenedModel,
  config: RunConfig,
  data: string | undefined,
): Promise<Pick<Data, "corpus" | "notes">> {
  const { path, tokenizer, vocabulary } = opened;
  const settled = { by: path, tokenizer, vocabulary, evaluates: true };
  const isNamed = opened.config !== undefined && opened.dataHash !== NO_DATA;
  if (data === undefined && !isNamed) {
    throw new UserError(
      "config",
      `Cannot evaluate ${path}: need --data, for it names no text: none given`,
    );
  }
  if (data === undefined) {
    return await readData(config, { ...settled, hash: opened.dataHash });
  }
  if (isPrepared(data) || tokenizer === undefined) return await readData(config, settled);
  const { document_end: end, max_unknown: most } = config.data;
  const { tokens, begins, notes } = await tokensOfText(await readText(data), {
    name: data,
    tokenizer,
    end: end === null ? null : unescaped(end),
    most,
    option: "--max-unknown",
  });
  const text = textIn({ train: tokens, validation: tokens }, {
    name: basename(data),
    begins: begins && { train: begins, validation: begins },
  });
  return { corpus: { texts: [text], vocabulary, tokenizer }, notes };
}

if (import.meta.main) await runCommand(() => evalCommand(Deno.args));
