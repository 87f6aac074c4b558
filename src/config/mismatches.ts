/**
 * Checks that the model, the data and the optimizer of a config are compatible, mostly by the target
 * kind of the data source.
 */
import { shown, unescaped } from "../data/document_end.ts";
import type { DataConfig } from "../data/schema.ts";
import type { EvaluationBatches, TargetKind, Task } from "../data/source.ts";
import { sourceMakerOf, SOURCES, taskOf } from "../data/sources/mod.ts";
import { END_TEXT } from "../data/tokenizers/types.ts";
import type { AnyModel, ModelDefinition } from "../models/definition.ts";
import { type ModelConfig, modelOf, MODELS } from "../models/mod.ts";
import type { OptimConfig } from "../optim/mod.ts";

/** A dotted path, and the error text for its value. */
export type Mismatch = readonly [path: string, message: string];

/** What models that read tokens can be asked for. */
const ASKED_OF_TOKENS: readonly TargetKind[] = ["next_token", "token_class", "sequence_class"];

/** Every mismatch, at most one for a path. */
export function mismatches(
  { model, data, optim, eval: evaluation }: {
    model: ModelConfig;
    data: DataConfig;
    optim: Pick<OptimConfig, "kind">;
    eval: Pick<EvaluationBatches, "stride">;
  },
): Mismatch[] {
  const { source, bptt } = data;
  // Vocabulary size 0: the text is not read yet, and neither result depends on it.
  const task = taskOf(data, 0);
  const { carries } = task;
  const definition = modelOf(model);
  const faults: Mismatch[] = [];
  if (source === "truecase" && (data.tokenizer ?? "char") !== "char") {
    faults.push(["data.tokenizer", `need char for source ${source}: ${data.tokenizer}`]);
  }
  const isFit = canLearn(definition, task);
  if (!isFit) {
    const able = Object.entries(SOURCES).filter(([, { task }]) =>
      canLearn(definition, task(data, 0))
    ).map(([name]) => name);
    faults.push(["data.source", `need ${able.join(" or ")} for model ${model.kind}: ${source}`]);
  }
  if (bptt !== null && !carries) {
    faults.push(["data.bptt", `need null for source ${source}, which has no lanes: ${bptt}`]);
  } else if (carries && !definition.carries) {
    const { kind } = definition;
    faults.push(["data.bptt", `need null for model ${kind}, which has no state to carry: ${bptt}`]);
  }
  if (data.document_end !== null && bptt === null && !data.document_mask) {
    faults.push([
      "data.document_end",
      `${documentsNeed(model, data)}: ${shown(unescaped(data.document_end))}`,
    ]);
  }
  if (data.document_mask && (!definition.documents || source !== "text")) {
    const able = Object.values(MODELS).filter(({ documents }) => documents).map(({ kind }) => kind);
    const need = `need false unless model ${able.join(" or ")} reads source text`;
    faults.push(["data.document_mask", `${need}: true`]);
  } else if (data.document_mask && data.document_end === null) {
    faults.push(["data.document_mask", `need data.document_end, as '${END_TEXT}': none is set`]);
  }
  if (data.mix !== null && data.path !== null) {
    faults.push(["data.mix", `need null where data.path names a text: ${data.path}`]);
  }
  if (data.mix !== null && sourceMakerOf(data).needsImages) {
    faults.push(["data.mix", `need null for source ${source}, which reads data.path`]);
  }
  if (evaluation.stride !== null && evaluation.stride > data.seq_len) {
    const { stride } = evaluation;
    faults.push(["eval.stride", `need at most data.seq_len ${data.seq_len}: ${stride}`]);
  }
  if (!isFit) return faults;
  const use = { task, source, optimizer: optim.kind };
  for (const [key, message] of definition.faults?.(model, use) ?? []) {
    faults.push([`model.${key}`, message]);
  }
  return faults;
}

/** Whether a task has the tensors that a model reads, and asks for what it can give. */
function canLearn(
  { reads = [], targets = ASKED_OF_TOKENS }: Pick<ModelDefinition<AnyModel>, "reads" | "targets">,
  { tensors, targetKind }: Task,
): boolean {
  return reads.every((name) => tensors[name] !== undefined) &&
    targets.includes(targetKind);
}

/** The need to report: how to separate documents, or null where model and source cannot. */
function documentsNeed(model: ModelConfig, data: DataConfig): string {
  const set = modelOf(model).documents
    ? data.source === "text" && "data.document_mask=true"
    : taskOf({ ...data, bptt: data.seq_len }, 0).carries && "data.bptt";
  return set
    ? `set ${set}, without which documents are not told apart`
    : `need null for model ${model.kind} and source ${data.source}, which tell no documents apart`;
}
