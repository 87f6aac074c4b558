/** The command `eval`: computes the loss of a stored model on a whole validation part. */
import { sourceMakerOf } from "../../data/sources/mod.ts";
import { runBlocking } from "../../base/blocking.ts";
import type { ExitName } from "../../base/user_error.ts";
import { sayLines, sayText } from "../../base/text/say.ts";
import type { Text } from "../../data/text.ts";
import type { Corpus } from "../../corpus/corpus.ts";
import { runPlaceOf } from "../../library/run_place.ts";
import { modelOf } from "../../models/mod.ts";
import { evaluateModel } from "../../../workers/coordinator/evaluate.ts";
import { targetExtent, type TextExtent } from "../../corpus/extent.ts";
import { moduleFilesOf } from "../../config/user/user_modules.ts";
import { evaluationConfig, evaluationData } from "../../artifacts/evaluation.ts";
import { initialOf } from "../../artifacts/initial.ts";
import { openModel } from "../../artifacts/model.ts";
import type { OpenedModel } from "../../artifacts/model.ts";
import { codeAsBegun } from "../../../workers/launch/code.ts";
import { spawnWorkers } from "../../../workers/launch/spawn.ts";
import { foldersOf } from "../../corpus/folder_text.ts";
import { runCommand } from "../command.ts";
import { EVAL, parseEval } from "./request.ts";
import { scoreTargets } from "./scores.ts";
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
  const options = { ...request, data: request.data ?? null, stride: request.stride ?? null };
  const config = evaluationConfig(opened, options);
  status.show("reading the text");
  const { corpus, notes } = await evaluationData(opened, config, options.data);
  for (const note of notes) warn(note);
  const reads = foldersOf(corpus.texts);
  const modules = await moduleFilesOf(config);
  const { device, cards } = await runPlaceOf({ config, saysWorkers: true }, warn);
  const { stop, requeued } = stopOnSignals({
    text: "Stopping the evaluation; once more to stop at once",
  });
  const found = await evaluateModel({
    config,
    params: initialOf(config, opened).params,
    corpus,
    device,
    cards,
    launch: (options, onEvent) => spawnWorkers({ ...options, reads, modules }, onEvent),
    show: watching(status),
    stop,
  });
  const isOfPairs = modelOf(opened.model).sequence !== undefined;
  const scores = found !== undefined && isOfPairs
    ? await scoreTargets(opened, corpus, { request, status, signal: stop })
    : undefined;
  status.end();
  if (found === undefined || (isOfPairs && scores === undefined)) {
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
    window: sourceMakerOf(config.data).samplesIn === undefined
      ? config.data.bptt ?? config.data.seq_len
      : 1,
    stride: config.eval.stride,
    accuracy: opened.targetKind === "next_token" ? null : found.accuracy ?? null,
    scores: scores ?? null,
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

if (import.meta.main) await runCommand(() => evalCommand(Deno.args));
