/** The command `attention`: writes what the heads of a model look at in a prompt. */
import { basename, dirname, join, resolve } from "node:path";
import { say, sayLines, sayText, warn } from "../../base/text/say.ts";
import { UserError } from "../../base/user_error.ts";
import { type OpenedModel, openModel } from "../../artifacts/model.ts";
import { type PromptWords, promptWords } from "../../artifacts/prompt_words.ts";
import { attentionPage } from "../../attention/page.ts";
import {
  type AttentionReport,
  type HeadLook,
  headsOfWeights,
  strongestLooks,
} from "../../attention/report.ts";
import { countUnknown, unknownNote } from "../../data/unknown.ts";
import {
  attentionOf,
  type CallWeights,
  type WindowAttention,
} from "../../engine/attention/attention_of.ts";
import { modelOf } from "../../models/mod.ts";
import { pairWords } from "./pair_words.ts";
import { likeliest } from "../../generate/likeliest.ts";
import { makeFolder, writeJsonAtomic, writeTextAtomic } from "../../report/atomic.ts";
import { printsReport } from "../../terminal/output.ts";
import { compilingIn, openStatus } from "../../terminal/status.ts";
import { runCommand } from "../command.ts";
import { openDevice } from "../device.ts";
import { flagsHelp } from "../flags.ts";
import { readPrompt } from "../generate/prompt.ts";
import { ATTENTION, parseAttention } from "./request.ts";

/** Looks of the last token, and tokens that it expects, that are told. */
const TOLD = 5;

/** Runs `attention` with command-line arguments. @throws {UserError} */
export async function attentionCommand(args: readonly string[]): Promise<void> {
  const request = parseAttention(args);
  if (request === "help") return sayText(flagsHelp(ATTENTION));
  const { path } = request;
  using status = openStatus();
  status.show(`reading ${path}`);
  const opened = await openModel(path, {
    which: request.which,
    warn: (text) => status.print(text),
  });
  // A file or a pipe ends with a line feed that nobody meant as a token.
  const prompt = (await readPrompt(request.prompt)).replace(/\n$/, "");
  const device = await openDevice(request.device, compilingIn(status));
  const words = modelOf(opened.model).sequence === undefined
    ? promptWords(prompt, opened)
    : await pairWords(prompt, opened, device);
  const last = opened.targetKind === "sequence_class";
  const attended = await attentionOf(device, { ...opened, last }, words);
  if (attended.calls.length === 0) {
    const { kind } = opened.model;
    throw new UserError("config", `Cannot show attention of ${path}: need some: ${kind} has none`);
  }
  const report = reportOf(opened, attended, words);
  const out = request.out ?? defaultOut(path, opened);
  makeFolder(out);
  writeJsonAtomic(join(out, "attention.json"), report);
  writeTextAtomic(join(out, "attention.html"), attentionPage(report));
  status.end();
  printsReport();
  noteUnknown(words, opened);
  sayLines(linesOf(report));
  say(`Everything lies in ${out}; the page is ${join(out, "attention.html")}`);
}

function reportOf(
  { path, step, kind, classes, targetKind }: OpenedModel,
  { calls, logits }: WindowAttention,
  { tokens, source, textOf, classOf, asked }: PromptWords,
): AttentionReport {
  const kinds = new Map<string, number>();
  const nameOf = ({ from, to }: CallWeights) => {
    const kind = source === undefined
      ? "layer"
      : from !== to
      ? "cross"
      : from === "source"
      ? "encoder"
      : "decoder";
    const number = (kinds.get(kind) ?? 0) + 1;
    kinds.set(kind, number);
    return `${kind} ${number}`;
  };
  const row = targetKind === "sequence_class" ? 0 : asked;
  const chances = likeliest(logits.subarray(row * classes, (row + 1) * classes), TOLD);
  const folder = kind === "checkpoint" || kind === "run" ? dirname(dirname(resolve(path))) : path;
  return {
    model: basename(resolve(folder)),
    step: step ?? null,
    tokens: Array.from(tokens, textOf),
    ...source !== undefined && { source: Array.from(source, textOf) },
    layers: calls.map((call) => ({
      name: nameOf(call),
      from: call.from,
      to: call.to,
      attention: headsOfWeights(call.weights, call),
    })),
    expects: chances.map(({ id, probability }) => ({
      token: classOf === undefined ? `class ${id}` : classOf(id),
      probability,
    })),
  };
}

function noteUnknown({ tokens }: PromptWords, { tokenizer }: OpenedModel): void {
  if (tokenizer === undefined) return;
  const unknown = countUnknown(tokens, tokenizer);
  const note = unknownNote("the prompt", { unknown, tokens: tokens.length });
  if (note !== undefined) warn(note);
}

function linesOf(report: AttentionReport): string[] {
  const { tokens, source = [], layers, expects } = report;
  const lists = { tokens, source };
  const heads = layers.reduce((sum, { attention }) => sum + attention.length, 0);
  const named = (at: number) => `token ${at + 1} ${JSON.stringify(tokens[at])}`;
  const shown = (weight: number) => `${(100 * weight).toFixed(1)} %`;
  const looks = strongestLooks(report, TOLD).map(({ layer, head, to, list, weight }: HeadLook) => {
    const text = JSON.stringify(lists[list][to]);
    const side = list === "source" ? "source token" : "token";
    return `  ${layer}, head ${head}: ${shown(weight)} to ${side} ${to + 1} ${text}`;
  });
  const expected = expects.map(({ token, probability }) =>
    `${JSON.stringify(token)} ${shown(probability)}`
  );
  return [
    `${report.model}: ${tokens.length} tokens, ${layers.length} layers, ${heads} heads`,
    `${named(tokens.length - 1)} looks most at:`,
    ...looks,
    `It expects: ${expected.join("  ")}`,
  ];
}

/** Beside the run. */
function defaultOut(path: string, { kind }: OpenedModel): string {
  const whole = resolve(path);
  return `${kind === "checkpoint" ? dirname(dirname(whole)) : whole}-attention`;
}

if (import.meta.main) await runCommand(() => attentionCommand(Deno.args));
