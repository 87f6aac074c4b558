/**
 * What a worker of a run holds on its device: every plan that it loads, and slots that no plan has.
 * Pure: it compiles and loads nothing.
 */
import { sizeOf } from "../base/shape.ts";
import type { Holdings, Loaded } from "../budget/memory.ts";
import type { RunConfig } from "../config/schema.ts";
import { taskOf } from "../data/sources/mod.ts";
import { DECODE, type DecodedModel, decodePlan } from "./decode_plan.ts";
import { largestChunk, CHUNK_SIZES } from "./decode_window.ts";
import {
  evaluationPlan,
  gradientPlan,
  inspectPlan,
  reachPlan,
  type ReplicaLayout,
  shapeOf,
  treeAddPlan,
  updatePlan,
} from "./plans.ts";

/** What the names of a worker's first decoder begin with (src/engine/decoder.ts). */
const DECODER = "decode/0/";

/** Slots of one of the two states of a lane (src/engine/lanes.ts). */
const HALVES = [0, 1] as const;

/** Plans and slots of a worker over a whole run: training, evaluations, samples. */
export function holdingsOf(config: RunConfig, vocabulary: number): Holdings {
  const shape = shapeOf(config, vocabulary);
  const { layout } = shape;
  const levels = Array.from({ length: Math.log2(config.micro_batches) }, (_, level) => level);
  const step: readonly Loaded[] = [
    { use: "activations", plan: gradientPlan(config, vocabulary, layout) },
    { use: "batches", plan: inspectPlan(layout) },
    { use: "batches", plan: updatePlan(config, layout) },
    ...levels.map((level): Loaded => ({ use: "batches", plan: treeAddPlan(layout, level) })),
    { use: "evaluation", plan: evaluationPlan(config, vocabulary, layout) },
  ];
  const reach: readonly Loaded[] = config.report.gradient_reach
    ? [{ use: "evaluation", plan: reachPlan(config, vocabulary, layout) }]
    : [];
  const samples = samplesOf(config, vocabulary, shape);
  return {
    plans: [...step, ...reach, ...samples.plans],
    slots: { ...laneSlots(config, shape), ...samples.slots },
  };
}

/** States of the micro-batches, each twice. A worker makes room for all of them. */
function laneSlots(
  { micro_batches }: RunConfig,
  { carries }: ReplicaLayout,
): Record<string, number> {
  const slots: Record<string, number> = {};
  for (let index = 0; index < micro_batches; index++) {
    for (const { name, tensor } of carries) {
      for (const half of HALVES) slots[`lane${index}.${half}/${name}`] = sizeOf(tensor.shape);
    }
  }
  return slots;
}

/** A decoder, as far as samples are asked for; its larger portions as if all were needed. */
function samplesOf(
  { model, data, report }: RunConfig,
  vocabulary: number,
  { layout }: ReplicaLayout,
): Holdings {
  const { targetKind: asked, time } = taskOf(data, vocabulary);
  const backwards = model.kind === "recurrent" && model.bidirectional;
  if (report.sample_length === 0 || asked !== "next" || backwards) return { plans: [], slots: {} };
  const decoded: DecodedModel = { model, vocabulary, context: time };
  const most = largestChunk(time);
  return {
    plans: CHUNK_SIZES.filter((count) => count <= most).map((count) => ({
      use: "caches",
      plan: decodePlan(decoded, { rows: 1, count, layout, prefix: DECODER }).plan,
    })),
    slots: { [DECODER + DECODE.inputs]: most, [DECODER + DECODE.places]: most },
  };
}
