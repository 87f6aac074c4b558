/**
 * Where parameters lie in flat vectors. Parameters, gradients and moments share one layout, so a
 * step has one payload to reduce, one update and one array to save. Weights that decay come first,
 * among them and behind them those of one learning rate together.
 */
import { LEAST_BINDING } from "../base/binding.ts";
import { alignUp, sizeOf } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import type { Role } from "../graph/types.ts";
import type { SlotAddress } from "./types.ts";

/** Elements between regions: bindings start at multiples of 256 bytes. */
export const ALIGN = 64;

/** Elements in one bucket of a vector, unless one tensor is larger: 128 MiB fit every adapter. */
export const BUCKET = LEAST_BINDING / 4;

/** Name of the extra element that carries the loss through the gradient's sum. */
export const LOSS = "loss";

/** A parameter's name, shape, whether weight decay applies, and a factor of its rate: 1 unless told. */
export interface ParamSpec {
  readonly name: string;
  readonly shape: Shape;
  readonly decay: boolean;
  readonly lrScale?: number;
}

/** A parameter's place: `offset` in elements from the start of its bucket. */
export interface ParamEntry extends ParamSpec {
  readonly bucket: number;
  readonly offset: number;
}

/** A run of elements that are updated alike. */
export interface BucketRange {
  readonly bucket: number;
  readonly offset: number;
  readonly length: number;
  readonly decay: boolean;
  readonly lrScale: number;
}

/** Places of all parameters, the sizes of the buckets in elements, and the runs to update. */
export interface Layout {
  readonly entries: readonly ParamEntry[];
  readonly buckets: readonly number[];
  readonly ranges: readonly BucketRange[];
}

/**
 * Lays parameters out, decayed ones first, then by falling rate, in the order given otherwise; the
 * loss comes last.
 */
export function layOut(params: readonly ParamSpec[], bucket: number = BUCKET): Layout {
  const ordered = params.toSorted((a, b) =>
    Number(b.decay) - Number(a.decay) || lrScaleOf(b) - lrScaleOf(a)
  );
  const loss: ParamSpec = { name: LOSS, shape: [1], decay: false };
  const buckets: number[] = [0];
  const entries: ParamEntry[] = [];
  for (const param of [...ordered, loss]) {
    const size = alignUp(sizeOf(param.shape), ALIGN);
    const used = buckets.at(-1) as number;
    if (used > 0 && used + size > bucket) buckets.push(0);
    const last = buckets.length - 1;
    entries.push({ ...param, bucket: last, offset: buckets[last] as number });
    buckets[last] = (buckets[last] as number) + size;
  }
  return { entries, buckets, ranges: rangesOf(entries) };
}

function lrScaleOf({ lrScale = 1 }: ParamSpec): number {
  return lrScale;
}

function rangesOf(entries: readonly ParamEntry[]): BucketRange[] {
  const ranges: BucketRange[] = [];
  for (const entry of entries) {
    const { name, shape, bucket, offset, decay } = entry;
    if (name === LOSS) continue;
    const lrScale = lrScaleOf(entry);
    const end = offset + alignUp(sizeOf(shape), ALIGN);
    const last = ranges.at(-1);
    const alike = last?.bucket === bucket && last.decay === decay && last.lrScale === lrScale;
    if (last !== undefined && alike) {
      ranges[ranges.length - 1] = { ...last, length: end - last.offset };
    } else ranges.push({ bucket, offset, length: end - offset, decay, lrScale });
  }
  return ranges;
}

/** Name of the slot that holds a bucket of a vector (`param`, `grad`, a moment). */
export function bucketSlot(vector: string, bucket: number): string {
  return `${vector}/${bucket}`;
}

/** The place of an entry in a vector. */
export function addressIn(layout: Layout, vector: string, name: string): SlotAddress {
  const entry = layout.entries.find((e) => e.name === name);
  if (entry === undefined) throw new RangeError(`Cannot place ${name}: the layout lacks it`);
  const role: Role = vector === "param" || vector === "grad" ? vector : "moment";
  return { slot: bucketSlot(vector, entry.bucket), role, offset: entry.offset };
}

/** The parameters of a layout, without the loss. */
export function paramsOf(layout: Layout): readonly ParamEntry[] {
  return layout.entries.filter((e) => e.name !== LOSS);
}
