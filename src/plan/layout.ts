/**
 * Where parameters lie in flat vectors. Parameters, gradients and moments share one layout, so a
 * step has one payload to reduce, one update and one array to save. Weights that decay come first,
 * among them and behind them those of one learning rate together.
 */
import { LEAST_BINDING } from "../base/binding.ts";
import { alignUp, sizeOf } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import type { Role } from "../graph/types.ts";
import type { SlotRange } from "./types.ts";

/** Elements between regions: bindings start at multiples of 256 bytes. */
export const ALIGN = 64;

/** Elements in one piece of a vector, unless one tensor is larger: 128 MiB fit every adapter. */
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

/** A parameter's place: `offset` in elements from the start of its piece. */
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

/** Places of all parameters, the sizes of the pieces in elements, and the runs to update. */
export interface Layout {
  readonly entries: readonly ParamEntry[];
  readonly buckets: readonly number[];
  readonly ranges: readonly BucketRange[];
}

/**
 * Lays parameters out, decayed ones first, then by falling rate, in the order given otherwise; the
 * loss comes last.
 */
export function layOut(params: readonly ParamSpec[], piece: number = BUCKET): Layout {
  const ordered = params.toSorted((a, b) =>
    Number(b.decay) - Number(a.decay) || rateOf(b) - rateOf(a)
  );
  const loss: ParamSpec = { name: LOSS, shape: [1], decay: false };
  const pieces: number[] = [0];
  const entries: ParamEntry[] = [];
  for (const param of [...ordered, loss]) {
    const size = alignUp(sizeOf(param.shape), ALIGN);
    const used = pieces.at(-1) as number;
    if (used > 0 && used + size > piece) pieces.push(0);
    const last = pieces.length - 1;
    entries.push({ ...param, bucket: last, offset: pieces[last] as number });
    pieces[last] = (pieces[last] as number) + size;
  }
  return { entries, buckets: pieces, ranges: rangesOf(entries) };
}

function rateOf({ lrScale: rate = 1 }: ParamSpec): number {
  return rate;
}

function rangesOf(entries: readonly ParamEntry[]): BucketRange[] {
  const ranges: BucketRange[] = [];
  for (const entry of entries) {
    const { name, shape, bucket: piece, offset, decay } = entry;
    if (name === LOSS) continue;
    const rate = rateOf(entry);
    const end = offset + alignUp(sizeOf(shape), ALIGN);
    const last = ranges.at(-1);
    const alike = last?.bucket === piece && last.decay === decay && last.lrScale === rate;
    if (last !== undefined && alike) {
      ranges[ranges.length - 1] = { ...last, length: end - last.offset };
    } else ranges.push({ bucket: piece, offset, length: end - offset, decay, lrScale: rate });
  }
  return ranges;
}

/** Name of the slot that holds a piece of a vector (`param`, `grad`, a moment). */
export function bucketSlot(vector: string, piece: number): string {
  return `${vector}/${piece}`;
}

/** The place of an entry in a vector. */
export function placeIn(layout: Layout, vector: string, name: string): SlotRange {
  const entry = layout.entries.find((e) => e.name === name);
  if (entry === undefined) throw new RangeError(`Cannot place ${name}: the layout lacks it`);
  const role: Role = vector === "param" || vector === "grad" ? vector : "moment";
  return { slot: bucketSlot(vector, entry.bucket), role, offset: entry.offset };
}

/** The parameters of a layout, without the loss. */
export function paramsOf(layout: Layout): readonly ParamEntry[] {
  return layout.entries.filter((e) => e.name !== LOSS);
}
