/**
 * The layout of parameters in flat buckets. Parameters, gradients and moments share one layout, so
 * a step has one payload to all-reduce, one update and one array to save. Parameters with weight
 * decay come first, grouped by lr scale, then those without. Frozen parameters have buckets of their
 * own, and so have those of each update rule: a vector lacks the buckets that it has no use for.
 */
import { LEAST_BINDING } from "../base/binding.ts";
import { alignUp, sizeOf } from "../base/shape.ts";
import type { MatrixAxes, Shape } from "../base/shape.ts";
import type { Role } from "../graph/types.ts";
import type { SlotAddress } from "./types.ts";

/** Alignment of regions in elements: bindings start at multiples of 256 bytes. */
export const ALIGN = 64;

/** Elements per bucket, unless one tensor is larger: every adapter can bind 128 MiB. */
export const BUCKET = LEAST_BINDING / 4;

/** Name of the extra element by which the loss is summed along with the gradient. */
export const LOSS = "loss";

/** A parameter: name, shape, whether weight decay applies, and its lr scale (default: 1). */
export interface ParamSpec {
  readonly name: string;
  readonly shape: Shape;
  readonly decay: boolean;
  readonly lrScale?: number;
  /** Weight decay instead of the optimizer's. */
  readonly weightDecay?: number;
  /** Name of its update rule; undefined: the optimizer's first. */
  readonly rule?: string;
  /** Moments that it does not have. */
  readonly lacks?: readonly string[];
  /** Whether it is never updated: it has no gradient and no moments. */
  readonly frozen?: boolean;
  /** Set for the weight matrix of a hidden layer. */
  readonly hidden?: MatrixAxes;
}

/** A parameter's address: `offset` in elements from the start of its bucket. */
export interface ParamEntry extends ParamSpec {
  readonly bucket: number;
  readonly offset: number;
}

/** A contiguous range of elements with the same update rule (an optimizer's parameter group). */
export interface BucketRange {
  readonly bucket: number;
  readonly offset: number;
  readonly length: number;
  readonly decay: boolean;
  readonly lrScale: number;
  readonly weightDecay?: number;
  readonly rule?: string;
}

/** A bucket of one vector, and its size in elements. */
export interface VectorBucket {
  readonly bucket: number;
  readonly length: number;
}

/** Addresses of all parameters, sizes of the buckets in elements, and the ranges to update. */
export interface Layout {
  readonly entries: readonly ParamEntry[];
  /** Sizes of the buckets; not every vector has each ({@linkcode vectorBuckets}). */
  readonly buckets: readonly number[];
  readonly ranges: readonly BucketRange[];
}

/**
 * Lays out parameters: by update rule, then those with weight decay first, then by descending lr
 * scale, else in the given order; behind them the loss, then frozen parameters.
 */
export function layOut(params: readonly ParamSpec[], bucket: number = BUCKET): Layout {
  const trained = Array.from(
    Map.groupBy(params.filter(({ frozen }) => !frozen), ({ rule }) => rule).values(),
    (group) => group.toSorted(byUpdate),
  );
  const loss: ParamSpec = { name: LOSS, shape: [1], decay: false };
  const frozen = params.filter((param) => param.frozen);
  const last = [...trained.pop() ?? [], loss];
  const buckets: number[] = [];
  const entries: ParamEntry[] = [];
  for (const group of [...trained, last, ...frozen.length > 0 ? [frozen] : []]) {
    buckets.push(0);
    for (const param of group) {
      const size = alignUp(sizeOf(param.shape), ALIGN);
      const used = buckets.at(-1) as number;
      if (used > 0 && used + size > bucket) buckets.push(0);
      const at = buckets.length - 1;
      entries.push({ ...param, bucket: at, offset: buckets[at] as number });
      buckets[at] = (buckets[at] as number) + size;
    }
  }
  return { entries, buckets, ranges: rangesOf(entries) };
}

function byUpdate(a: ParamSpec, b: ParamSpec): number {
  return Number(b.decay) - Number(a.decay) || lrScaleOf(b) - lrScaleOf(a) ||
    (b.weightDecay ?? -1) - (a.weightDecay ?? -1);
}

function lrScaleOf({ lrScale = 1 }: ParamSpec): number {
  return lrScale;
}

function rangesOf(entries: readonly ParamEntry[]): BucketRange[] {
  const ranges: BucketRange[] = [];
  for (const entry of entries) {
    const { name, shape, bucket, offset, decay, weightDecay, rule, frozen } = entry;
    if (name === LOSS || frozen) continue;
    const lrScale = lrScaleOf(entry);
    const end = offset + alignUp(sizeOf(shape), ALIGN);
    const last = ranges.at(-1);
    const isSame = last?.bucket === bucket && last.decay === decay && last.lrScale === lrScale &&
      last.weightDecay === weightDecay;
    if (last !== undefined && isSame) {
      ranges[ranges.length - 1] = { ...last, length: end - last.offset };
    } else {
      ranges.push({
        bucket,
        offset,
        length: end - offset,
        decay,
        lrScale,
        ...weightDecay !== undefined && { weightDecay },
        ...rule !== undefined && { rule },
      });
    }
  }
  return ranges;
}

/** Name of the slot that holds a bucket of a vector (`param`, `grad`, a moment). */
export function bucketSlot(vector: string, bucket: number): string {
  return `${vector}/${bucket}`;
}

/** The address of an entry in a vector. @throws {RangeError} when the layout has no such entry. */
export function addressIn(layout: Layout, vector: string, name: string): SlotAddress {
  const entry = layout.entries.find((e) => e.name === name);
  if (entry === undefined) throw new RangeError(`Cannot place ${name}: the layout lacks it`);
  const role: Role = vector === "param" || vector === "grad" ? vector : "moment";
  return { slot: bucketSlot(vector, entry.bucket), role, offset: entry.offset };
}

/**
 * The parameters of a layout that have an element in `vector`, without the loss; default: all
 * parameters.
 */
export function paramsOf({ entries }: Layout, vector: string = "param"): readonly ParamEntry[] {
  return entries.filter((entry) => entry.name !== LOSS && isIn(vector, entry));
}

/** The buckets that a vector (`param`, `grad`, a moment) has, in ascending order. */
export function vectorBuckets({ entries, buckets }: Layout, vector: string): VectorBucket[] {
  return buckets.map((length, bucket) => ({ length, bucket })).filter(({ bucket }) =>
    // The parameters of a bucket have one rule. Only the loss adopts that of the others.
    entries.filter((entry) => entry.bucket === bucket).every((entry) => isIn(vector, entry))
  );
}

/** Number of elements of a vector in all of its buckets. */
export function vectorLength(layout: Layout, vector: string): number {
  return vectorBuckets(layout, vector).reduce((sum, { length }) => sum + length, 0);
}

function isIn(vector: string, { frozen, lacks }: ParamSpec): boolean {
  return vector === "param" || !(frozen || lacks?.includes(vector));
}
