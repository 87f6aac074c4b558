/**
 * The device memory of a worker: all plans that it loads, and slots outside the plans. Pure.
 */
import { sizeOf } from "../base/shape.ts";
import type { Holdings, Loaded } from "../budget/memory.ts";
import { canGenerate } from "../models/mod.ts";
import type { RunConfig } from "../config/schema.ts";
import { taskOf } from "../data/sources/mod.ts";
import { DECODE, type DecodedModel, decodePlan } from "./decode_plan.ts";
import { CHUNK_SIZES, largestChunk } from "./decode_window.ts";
import { evaluationPlan, gradientPlan, reachPlan, type ReplicaLayout, shapeOf } from "./plans.ts";
import { inspectPlan, treeAddPlan, updatePlan } from "./vector_plans.ts";

/** Prefix of the slots of a worker's first decoder (src/engine/decoder.ts). */
const DECODER = "decode/0/";

/** The halves of a carried state's double buffer (src/engine/lanes.ts). */
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

/** Carried states, double-buffered. A worker allocates those of all micro-batches. */
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

/** The decoder for samples, if there are any, with plans of all chunk sizes. */
function samplesOf(
  { model, data, report }: RunConfig,
  vocabulary: number,
  { layout }: ReplicaLayout,
): Holdings {
  const { targetKind, time } = taskOf(data, vocabulary);
  if (report.sample_length === 0 || targetKind !== "next_token" || !canGenerate(model)) {
    return { plans: [], slots: {} };
  }
  const decoded: DecodedModel = { model, vocabulary, context: time };
  const most = largestChunk(time);
  return {
    plans: CHUNK_SIZES.filter((count) => count <= most).map((count) => ({
      use: "caches",
      plan: decodePlan(decoded, { rows: 1, count, layout, prefix: DECODER }).plan,
    })),
    slots: { [DECODER + DECODE.tokens]: most, [DECODER + DECODE.positions]: most },
  };
}
