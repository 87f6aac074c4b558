/** The header that a run shows before its workers start. Pure. */
import { basename } from "node:path";
import { type Shape, sizeOf } from "../../src/base/shape.ts";
import { changedKeys } from "../../src/config/changed.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { sourceMakerOf, taskOf } from "../../src/data/sources/mod.ts";
import type { Text } from "../../src/data/text.ts";
import { showCount } from "../../src/report/format.ts";
import type { HeaderRow } from "../../src/report/header_lines.ts";
import type { Corpus } from "../../src/corpus/corpus.ts";
import { shapeOf } from "../../src/engine/plans.ts";

/** Keys with a header row of their own, or that are shown with the workers. */
const ELSEWHERE = ["name", "out", "workers", "init"];

/** Name, model, data, steps, folder, and the keys whose values are not the defaults. */
export function headerOf(
  config: RunConfig,
  corpus: Corpus,
  { out, from }: { readonly out: string; readonly from: number },
): HeaderRow[] {
  const { name, steps, micro_batches, micro_batch_size: windows, data, init } = config;
  const params = paramsIn(config, corpus.vocabulary);
  const { time } = taskOf(data, corpus.vocabulary);
  const changed = changedKeys(config)
    .filter((text) => !ELSEWHERE.includes(text.split("=", 1)[0] as string));
  return [
    ["run", from === 0 ? name : `${name}, from step ${from}`],
    ["model", `${modelText(config.model)}: ${params}`],
    ...moduleRows(config),
    ...init === null ? [] : [["begins", `with the parameters of ${init}`] as const],
    ["data", dataText(config, corpus)],
    [
      "steps",
      `${steps} of ${showCount(micro_batches * windows * time)} tokens ` +
      `(${micro_batches} micro-batches x ${windows} windows x ${time})`,
    ],
    ["folder", out],
    ...changed.length === 0 ? [] : [["keys", changed.join(" ")] as const],
  ];
}

/** The modules of the user that define parts of a config. */
function moduleRows(config: RunConfig): HeaderRow[] {
  return [config.model, config.data, config.optim].flatMap((section): HeaderRow[] => {
    const { module, sha256 = "" } = section as { module?: string; sha256?: string };
    return module === undefined ? [] : [["module", `${module} (SHA-256 ${sha256.slice(0, 12)})`]];
  });
}

/** The numbers of parameters, and of frozen ones. */
function paramsIn(config: RunConfig, vocabulary: number): string {
  const { layout: { entries }, params } = shapeOf(config, vocabulary);
  const count = (all: readonly { shape: Shape }[]) =>
    showCount(all.reduce((sum, { shape }) => sum + sizeOf(shape), 0));
  const frozen = entries.filter((entry) => entry.frozen);
  return `${count(params)} parameters${frozen.length === 0 ? "" : `, ${count(frozen)} frozen`}`;
}

/** Kind, layers, width and heads, as far as the model has them. */
function modelText(model: RunConfig["model"]): string {
  const { kind, cell, layers, width, heads } = model as Readonly<Record<string, unknown>>;
  const parts = [
    `${cell ?? kind}`,
    ...typeof layers === "number" ? [layers === 1 ? "1 layer" : `${layers} layers`] : [],
    ...typeof width === "number" ? [`width ${width}`] : [],
    ...typeof heads === "number" ? [heads === 1 ? "1 head" : `${heads} heads`] : [],
  ];
  return parts.join(", ");
}

/** Most texts that are named; more are only counted. */
const NAMED = 3;

function dataText({ data }: RunConfig, { texts, vocabulary, tokenizer }: Corpus): string {
  if (texts.length === 0) return `made up by ${data.source}`;
  const sum = (part: "train" | "validation") =>
    showCount(texts.reduce((tokens, text) => tokens + text[part].length, 0));
  const { samplesIn } = sourceMakerOf(data);
  if (samplesIn !== undefined) {
    const [text] = texts as [Text];
    const count = (part: "train" | "validation") => showCount(samplesIn(data, text[part].length));
    return `${data.path ?? text.name}: ${count("train")} ${data.source} to train, ` +
      `${count("validation")} to validate`;
  }
  const kind = tokenizer === undefined ? "" : `${tokenizerName(tokenizer.kind, data)}, `;
  const by = isOwn(data) ? `, by source ${data.source}` : "";
  return `${nameOf(data.path, texts)}: ${sum("train")} tokens to train, ` +
    `${sum("validation")} to validate (${kind}vocabulary ${vocabulary})${by}`;
}

/** The kind of a tokenizer; the file of one of the user. */
function tokenizerName(kind: string, { tokenizer }: RunConfig["data"]): string {
  return kind === "user" && tokenizer !== null ? basename(tokenizer) : kind;
}

/** Whether a module of the user makes the batches. */
function isOwn(data: object): boolean {
  return (data as { readonly module?: string }).module !== undefined;
}

function nameOf(path: string | null, texts: readonly Text[]): string {
  if (texts.length > NAMED) return `${texts.length} texts`;
  if (texts.length > 1) return texts.map(({ name }) => name).join(", ");
  return path ?? "Moby Dick";
}
