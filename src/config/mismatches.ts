/**
 * Checks that the model, the data and the optimizer of a config are compatible, mostly by the target
 * kind of the data source.
 */
import { shown, unescaped } from "../data/document_end.ts";
import type { DataConfig } from "../data/schema.ts";
import type { EvaluationBatches } from "../data/source.ts";
import { taskOf } from "../data/sources/mod.ts";
import { END_TEXT } from "../data/tokenizers/types.ts";
import type { ModelConfig } from "../models/mod.ts";
import type { OptimConfig } from "../optim/mod.ts";

/** A dotted path, and the error text for its value. */
export type Mismatch = readonly [path: string, message: string];

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
  const { targetKind, carries } = taskOf(data, 0);
  const faults: Mismatch[] = [];
  if (source === "truecase" && (data.tokenizer ?? "char") !== "char") {
    faults.push(["data.tokenizer", `need char for source ${source}: ${data.tokenizer}`]);
  }
  if (bptt !== null && !carries) {
    faults.push(["data.bptt", `need null for source ${source}, which has no lanes: ${bptt}`]);
  } else if (carries && model.kind === "gpt") {
    faults.push(["data.bptt", `need null for model gpt, which has no state to carry: ${bptt}`]);
  }
  if (data.document_end !== null && bptt === null && !data.document_mask) {
    faults.push([
      "data.document_end",
      `${documentsNeed(model, data)}: ${shown(unescaped(data.document_end))}`,
    ]);
  }
  if (data.document_mask && (model.kind !== "gpt" || source !== "text")) {
    faults.push(["data.document_mask", `need false unless model gpt reads source text: true`]);
  } else if (data.document_mask && data.document_end === null) {
    faults.push(["data.document_mask", `need data.document_end, as '${END_TEXT}': none is set`]);
  }
  if (data.mix !== null && data.path !== null) {
    faults.push(["data.mix", `need null where data.path names a text: ${data.path}`]);
  }
  if (evaluation.stride !== null && evaluation.stride > data.seq_len) {
    const { stride } = evaluation;
    faults.push(["eval.stride", `need at most data.seq_len ${data.seq_len}: ${stride}`]);
  }
  if (model.kind === "gpt" && model.tie_embeddings && targetKind !== "next_token") {
    faults.push([
      "model.tie_embeddings",
      `need false for source ${source}, whose targets are no tokens: true`,
    ]);
  }
  const isScaled = model.kind === "gpt" && model.mup_base_width !== null;
  if (isScaled && (optim.kind === "sgd" || optim.kind === "muon")) {
    const reason = `its factors are those of Adam, not of ${optim.kind}`;
    faults.push(["model.mup_base_width", `need null, since ${reason}: ${model.mup_base_width}`]);
  }
  if (model.kind !== "recurrent") return faults;
  if (model.bidirectional && carries) {
    const reason =
      "a state that comes from a window's end cannot be carried to the next (data.bptt)";
    faults.push(["model.bidirectional", `need false, since ${reason}: true`]);
  } else if (model.bidirectional && targetKind === "next_token") {
    const reason = "a next-token model that reads backwards sees the answer";
    faults.push(["model.bidirectional", `need false for source ${source}, since ${reason}: true`]);
  }
  if (model.readout === "mean" && targetKind !== "sequence_class") {
    const reason = "one label of a whole window";
    faults.push([
      "model.readout",
      `need last for source ${source}, which does not ask for ${reason}: mean`,
    ]);
  }
  return faults;
}

/** The need to report: how to separate documents, or null where model and source cannot. */
function documentsNeed(model: ModelConfig, data: DataConfig): string {
  const set = model.kind === "gpt"
    ? data.source === "text" && "data.document_mask=true"
    : taskOf({ ...data, bptt: data.seq_len }, 0).carries && "data.bptt";
  return set
    ? `set ${set}, without which documents are not told apart`
    : `need null for model ${model.kind} and source ${data.source}, which tell no documents apart`;
}
