/**
 * The layout of parameters in flat buckets. Parameters, gradients and moments share one layout, so
 * a step has one payload to all-reduce, one update and one array to save. Parameters with weight
 * decay come first, grouped by lr scale, then those without. Frozen parameters have buckets of their
 * own, and so have those of each update rule: a vector lacks the buckets that it has no use for.
 */
import { LEAST_BINDING } from "../base/binding.ts";
import { alignUp, sizeOf } from "../base/shape.ts";
import type { HiddenMatrix, Shape } from "../base/shape.ts";
import type { Role } from "../graph/types.ts";
import type { SlotAddress } from "./types.ts";

/** Alignment of regions in elements: bindings start at multiples of 256 bytes. */
export const ALIGN = 64;

/** Elements per bucket, unless one tensor is larger: every adapter can bind 128 MiB. */
export const BUCKET = LEAST_BINDING / 4;

/** Name of the sum of all loss terms: the first of a layout's sums. */
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
  readonly hidden?: HiddenMatrix;
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

/** A scalar of the gradient vector that is summed along with the gradient: a loss term. */
export interface SumEntry {
  readonly name: string;
  readonly bucket: number;
  readonly offset: number;
}

/**
 * Addresses of all parameters, sizes of the buckets in elements, and the ranges to update. `sums`
 * lie behind the trained parameters.
 */
export interface Layout {
  readonly entries: readonly ParamEntry[];
  readonly sums: readonly SumEntry[];
  /** Sizes of the buckets; not every vector has each ({@linkcode vectorBuckets}). */
  readonly buckets: readonly number[];
  readonly ranges: readonly BucketRange[];
}

/**
 * Lays out parameters: by update rule, then those with weight decay first, then by descending lr
 * scale, else in the given order; behind them the sums ({@linkcode LOSS} by default), then frozen
 * parameters.
 */
export function layOut(
  params: readonly ParamSpec[],
  { bucket: most = BUCKET, sums = [LOSS] }: {
    readonly bucket?: number;
    readonly sums?: readonly string[];
  } = {},
): Layout {
  const buckets: number[] = [];
  const place = (elements: number) => {
    const size = alignUp(elements, ALIGN);
    const used = buckets.at(-1) as number;
    if (used > 0 && used + size > most) buckets.push(0);
    const bucket = buckets.length - 1;
    const offset = buckets[bucket] as number;
    buckets[bucket] = offset + size;
    return { bucket, offset };
  };
  /** Groups begin with a bucket of their own. */
  const placeGroup = (group: readonly ParamSpec[]): ParamEntry[] => {
    buckets.push(0);
    return group.map((param) => ({ ...param, ...place(sizeOf(param.shape)) }));
  };
  const rules = Map.groupBy(params.filter(({ frozen }) => !frozen), ({ rule }) => rule);
  const groups = rules.size === 0 ? [[]] : Array.from(rules.values());
  const entries = groups.flatMap((group) => placeGroup(group.toSorted(byUpdate)));
  const placed = sums.map((name) => ({ name, ...place(1) }));
  const frozen = params.filter((param) => param.frozen);
  const all = frozen.length === 0 ? entries : [...entries, ...placeGroup(frozen)];
  return { entries: all, sums: placed, buckets, ranges: rangesOf(all) };
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
    const { shape, bucket, offset, decay, weightDecay, rule, frozen } = entry;
    if (frozen) continue;
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

/** The address of a parameter in a vector. @throws {RangeError} when the layout lacks it. */
export function addressIn(layout: Layout, vector: string, name: string): SlotAddress {
  return addressOf(layout.entries, vector, name);
}

/** The address of a sum in the gradient vector. @throws {RangeError} when the layout lacks it. */
export function sumAddress(layout: Pick<Layout, "sums">, name: string): SlotAddress {
  return addressOf(layout.sums, "grad", name);
}

function addressOf(entries: readonly SumEntry[], vector: string, name: string): SlotAddress {
  const entry = entries.find((e) => e.name === name);
  if (entry === undefined) throw new RangeError(`Cannot place ${name}: the layout lacks it`);
  const role: Role = vector === "param" || vector === "grad" ? vector : "moment";
  return { slot: bucketSlot(vector, entry.bucket), role, offset: entry.offset };
}

/** The parameters of a layout that have elements in `vector`; default: all parameters. */
export function paramsOf({ entries }: Layout, vector: string = "param"): readonly ParamEntry[] {
  return entries.filter((entry) => isIn(vector, entry));
}

/** The buckets that a vector (`param`, `grad`, a moment) has, in ascending order. */
export function vectorBuckets({ entries, buckets }: Layout, vector: string): VectorBucket[] {
  return buckets.map((length, bucket) => ({ length, bucket })).filter(({ bucket }) =>
    // The parameters of a bucket have one rule; sums are in every vector.
    entries.filter((entry) => entry.bucket === bucket).every((entry) => isIn(vector, entry))
  );
}

/** A part of a bucket: elements [offset, offset + length). */
export interface BucketPart extends VectorBucket {
  readonly offset: number;
}

/** The parts of the buckets that are elements [start, end) of a vector. */
export function bucketParts(
  layout: Layout,
  vector: string,
  { start, end }: { readonly start: number; readonly end: number },
): BucketPart[] {
  let at = 0;
  return vectorBuckets(layout, vector).flatMap(({ bucket, length: size }) => {
    const [first, last] = [Math.max(start, at) - at, Math.min(end, at + size) - at];
    at += size;
    return first < last ? [{ bucket, offset: first, length: last - first }] : [];
  });
}

/** Number of elements of a vector in all of its buckets. */
export function vectorLength(layout: Layout, vector: string): number {
  return vectorBuckets(layout, vector).reduce((sum, { length }) => sum + length, 0);
}

function isIn(vector: string, { frozen, lacks }: ParamSpec): boolean {
  return vector === "param" || !(frozen || lacks?.includes(vector));
}
