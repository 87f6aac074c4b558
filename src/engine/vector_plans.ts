/**
 * The plans of a replica that compute on its flat vectors: gradient check, update, tree addition.
 * Pure.
 */
import { treeAddOp } from "../../kernels/reduce/mod.ts";
import type { RunConfig } from "../config/schema.ts";
import { applyAll, newTrace } from "../graph/trace.ts";
import type { Tensor } from "../graph/types.ts";
import { optimizerOf, stateVectors } from "../optim/mod.ts";
import type { UpdatedParam, UpdateSpan } from "../optim/types.ts";
import { inspectGraph, updateGraph } from "../optim/update.ts";
import type { SpanGraph } from "../optim/update.ts";
import { compile } from "../plan/compile.ts";
import { bucketParts, bucketSlot, LOSS, vectorLength } from "../plan/layout.ts";
import type { BucketRange, Layout } from "../plan/layout.ts";
import type { Plan, SlotAddress } from "../plan/types.ts";
import type { Slice } from "../reduce/slices.ts";
import { sizesOf } from "./plans.ts";

/** The gradient check: the norm in slot `grad_norm`, the non-finite elements in `non_finite`. */
export function inspectPlan(layout: Layout): Plan {
  return runPlan(layout, ["grad"], inspectGraph(spansOf(layout)));
}

/** One optimizer step, each bucket by its rule; reads the gradient's norm from slot `grad_norm`. */
export function updatePlan(config: RunConfig, layout: Layout): Plan {
  const optimizer = optimizerOf(config.optim);
  const traced = updateGraph(spansOf(layout), { optimizer, config: config.optim });
  return runPlan(layout, ["grad", ...stateVectors(config.optim)], traced);
}

/** The ranges of each bucket that is updated, with their parameters. */
function spansOf(layout: Layout): UpdateSpan[] {
  return runsOf(layout).map((ranges) =>
    ranges.map((range) => ({ ...range, params: paramsWithin(layout, range, ranges[0]) }))
  );
}

/** The parameters of a range, by their offsets from the start of the `first` range. */
function paramsWithin(
  { entries }: Layout,
  { bucket, offset, length }: BucketRange,
  first: BucketRange | undefined,
): UpdatedParam[] {
  return entries.filter((entry) =>
    entry.name !== LOSS && entry.bucket === bucket && entry.offset >= offset &&
    entry.offset < offset + length
  ).map((entry) => ({ ...entry, offset: entry.offset - (first?.offset ?? 0) }));
}

/** The ranges of each bucket that has some; they are contiguous from its start. */
function runsOf({ buckets, ranges }: Layout): readonly (readonly BucketRange[])[] {
  return buckets.map((_, bucket) => ranges.filter((range) => range.bucket === bucket))
    .filter((run) => run.length > 0);
}

function runPlan(
  layout: Layout,
  vectors: readonly string[],
  { graph, sources }: SpanGraph,
): Plan {
  const runs = runsOf(layout);
  const places = new Map<Tensor, SlotAddress>(
    sources.map(({ tensor, vector, span, offset }) => {
      const { bucket, offset: first } = runs[span]?.[0] as BucketRange;
      return [tensor, {
        slot: bucketSlot(vector, bucket),
        role: tensor.role,
        offset: first + offset,
      }];
    }),
  );
  const sizes = Object.fromEntries(vectors.flatMap((v) => Object.entries(sizesOf(layout, v))));
  return compile(graph, { source: (t) => places.get(t), sizes });
}

/** Adds the finished subtree of level `level` to the gradient, or to a part of it, in place. */
export function treeAddPlan(layout: Layout, level: number, part?: Slice): Plan {
  const trace = newTrace();
  const places = new Map<Tensor, SlotAddress>();
  const whole = { start: 0, end: vectorLength(layout, "grad") };
  bucketParts(layout, "grad", part ?? whole).forEach(({ bucket, offset, length: size }) => {
    const [grad, kept] = ["grad", treeVector(level)].map((vector) => {
      const role = vector === "grad" ? "grad" as const : "moment" as const;
      const name = bucketSlot(vector, bucket);
      const tensor = trace.source({ shape: [size], dtype: "f32" }, role, name);
      places.set(tensor, { slot: name, role, offset });
      return tensor;
    });
    applyAll(treeAddOp, [grad as Tensor, kept as Tensor]);
  });
  const { calls, constants } = trace;
  return compile({ calls, constants, results: {} }, { source: (t) => places.get(t) });
}

/** Name of the vector with a finished subtree of `2^level` micro-batches. */
export function treeVector(level: number): string {
  return `tree${level}`;
}
