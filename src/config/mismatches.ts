/**
 * Where a model and its data do not go together. Pure: judges by what the source asks, so a new
 * source needs no line here.
 */
import type { DataConfig } from "../data/schema.ts";
import { taskOf } from "../data/sources/mod.ts";
import type { ModelConfig } from "../models/mod.ts";

/** A dotted path, and what is wrong with the value there. */
export type Mismatch = readonly [path: string, message: string];

/** Every mismatch, at most one for a path. */
export function mismatches({ model, data }: { model: ModelConfig; data: DataConfig }): Mismatch[] {
  const { source, bptt } = data;
  // The text is not read yet; what is asked and what is carried do not depend on it.
  const { asked, carries } = taskOf(data, 0);
  const faults: Mismatch[] = [];
  if (source === "truecase" && data.tokenizer !== "char") {
    faults.push(["data.tokenizer", `need char for source ${source}: ${data.tokenizer}`]);
  }
  if (bptt !== null && !carries) {
    faults.push(["data.bptt", `need null for source ${source}, which has no lanes: ${bptt}`]);
  } else if (carries && model.kind === "gpt") {
    faults.push(["data.bptt", `need null for model gpt, which has no state to carry: ${bptt}`]);
  }
  if (data.document_end !== null && bptt === null) {
    const value = JSON.stringify(data.document_end);
    faults.push([
      "data.document_end",
      `need data.bptt, without which no state is carried: ${value}`,
    ]);
  }
  if (model.kind === "gpt" && model.tied && asked !== "next") {
    faults.push([
      "model.tied",
      `need false for source ${source}, whose targets are no tokens: true`,
    ]);
  }
  if (model.kind !== "recurrent") return faults;
  if (model.bidirectional && carries) {
    const reason =
      "a state that comes from a window's end cannot be carried to the next (data.bptt)";
    faults.push(["model.bidirectional", `need false, since ${reason}: true`]);
  } else if (model.bidirectional && asked === "next") {
    const reason = "a next-token model that reads backwards sees the answer";
    faults.push(["model.bidirectional", `need false for source ${source}, since ${reason}: true`]);
  }
  if (model.readout === "mean" && asked !== "one") {
    const reason = "one label of a whole window";
    faults.push([
      "model.readout",
      `need last for source ${source}, which does not ask for ${reason}: mean`,
    ]);
  }
  return faults;
}
