/**
 * The layout of parameters in flat buckets. Parameters, gradients and moments share one layout, so
 * a step has one payload to all-reduce, one update and one array to save. Parameters with weight
 * decay come first, grouped by lr scale, then those without.
 */
import { LEAST_BINDING } from "../base/binding.ts";
import { alignUp, sizeOf } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
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
}

/** A scalar of the gradient vector that is summed along with the gradient: a loss term. */
export interface SumEntry {
  readonly name: string;
  readonly bucket: number;
  readonly offset: number;
}

/**
 * Addresses of all parameters, sizes of the buckets in elements, and the ranges to update. `sums`
 * lie behind the parameters.
 */
export interface Layout {
  readonly entries: readonly ParamEntry[];
  readonly sums: readonly SumEntry[];
  readonly buckets: readonly number[];
  readonly ranges: readonly BucketRange[];
}

/**
 * Lays out parameters: those with weight decay first, then by descending lr scale, else in the
 * given order. The sums come last, {@linkcode LOSS} by default.
 */
export function layOut(
  params: readonly ParamSpec[],
  { bucket: most = BUCKET, sums = [LOSS] }: {
    readonly bucket?: number;
    readonly sums?: readonly string[];
  } = {},
): Layout {
  const ordered = params.toSorted((a, b) =>
    Number(b.decay) - Number(a.decay) || lrScaleOf(b) - lrScaleOf(a)
  );
  const buckets: number[] = [0];
  const place = (elements: number) => {
    const size = alignUp(elements, ALIGN);
    const used = buckets.at(-1) as number;
    if (used > 0 && used + size > most) buckets.push(0);
    const bucket = buckets.length - 1;
    const offset = buckets[bucket] as number;
    buckets[bucket] = offset + size;
    return { bucket, offset };
  };
  const entries = ordered.map((param) => ({ ...param, ...place(sizeOf(param.shape)) }));
  return {
    entries,
    sums: sums.map((name) => ({ name, ...place(1) })),
    buckets,
    ranges: rangesOf(entries),
  };
}

function lrScaleOf({ lrScale = 1 }: ParamSpec): number {
  return lrScale;
}

function rangesOf(entries: readonly ParamEntry[]): BucketRange[] {
  const ranges: BucketRange[] = [];
  for (const entry of entries) {
    const { shape, bucket, offset, decay } = entry;
    const lrScale = lrScaleOf(entry);
    const end = offset + alignUp(sizeOf(shape), ALIGN);
    const last = ranges.at(-1);
    const isSame = last?.bucket === bucket && last.decay === decay && last.lrScale === lrScale;
    if (last !== undefined && isSame) {
      ranges[ranges.length - 1] = { ...last, length: end - last.offset };
    } else ranges.push({ bucket, offset, length: end - offset, decay, lrScale });
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

function addressOf(
  entries: readonly SumEntry[],
  vector: string,
  name: string,
): SlotAddress {
  const entry = entries.find((e) => e.name === name);
  if (entry === undefined) throw new RangeError(`Cannot place ${name}: the layout lacks it`);
  const role: Role = vector === "param" || vector === "grad" ? vector : "moment";
  return { slot: bucketSlot(vector, entry.bucket), role, offset: entry.offset };
}
