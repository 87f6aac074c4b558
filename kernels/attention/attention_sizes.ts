/**
 * Sizes, output specs and cost of attention. B batch, Tq queries, Tk keys, H heads of queries, Hkv
 * heads of keys and of values, d width of a head of queries and keys, Dv of values.
 */
import { showShape, sizeOf } from "../../src/base/shape.ts";
import type { Cost, Io, Spec } from "../../src/graph/types.ts";
import { basesOf, requireAttrs } from "./attention_attrs.ts";
import type { AttentionAttrs, HeadPart } from "./attention_attrs.ts";
import type { HeadColumns } from "./heads.ts";

/** Sizes of a call. */
export interface AttentionSizes {
  /** B */
  readonly batch: number;
  /** Tq */
  readonly queries: number;
  /** Tk */
  readonly keys: number;
  /** H */
  readonly heads: number;
  /** Hkv */
  readonly kvHeads: number;
  /** d, the width of one head of queries or keys. */
  readonly width: number;
  /** Dv, the width of one head of values. */
  readonly valueWidth: number;
  /** What each base tensor holds, in the order of its columns. */
  readonly bases: readonly string[];
}

/** Heads in the columns of a base tensor. */
export interface BaseColumns extends HeadColumns {
  /** Index of the tensor among the bases. */
  readonly base: number;
  /** W: columns of the tensor. */
  readonly columns: number;
}

/** Columns of one part. */
function extentOf(sizes: Omit<AttentionSizes, "batch" | "queries" | "keys">, part: string): number {
  if (part === "q") return sizes.heads * sizes.width;
  return sizes.kvHeads * (part === "k" ? sizes.width : sizes.valueWidth);
}

/** Where the heads of queries, keys or values are. */
export function partColumns(sizes: AttentionSizes, part: HeadPart): BaseColumns {
  const base = sizes.bases.findIndex((parts) => parts.includes(part));
  const parts = [...sizes.bases[base] as string];
  const extent = (some: readonly string[]) => some.reduce((n, p) => n + extentOf(sizes, p), 0);
  return {
    base,
    first: extent(parts.slice(0, parts.indexOf(part))),
    columns: extent(parts),
    heads: part === "q" ? sizes.heads : sizes.kvHeads,
    width: part === "v" ? sizes.valueWidth : sizes.width,
  };
}

/**
 * Sizes of a call on base tensors f32 [B, T, W].
 * @throws {RangeError} when attributes are not valid, the columns of a base are not those of its
 * heads, or sizes of bases differ.
 */
export function attentionSizes(inputs: readonly Spec[], attrs: AttentionAttrs): AttentionSizes {
  requireAttrs(attrs);
  const { heads, kvHeads = heads, causal } = attrs;
  const bases = basesOf(attrs);
  const specs = bases.map((name, k) => requireBase(name, inputs[k]));
  const of = (part: HeadPart) => bases.findIndex((parts) => parts.includes(part));
  const width = widthOf(bases[of("q")] as string, specs[of("q")] as Spec, attrs);
  const { valueWidth = width } = attrs;
  const [batch, queries] = specs[of("q")]?.shape as [number, number];
  const [, keys] = specs[of("k")]?.shape as [number, number];
  const sizes = { batch, queries, keys, heads, kvHeads, width, valueWidth, bases };
  bases.forEach((name, k) => {
    const columns = [...name].reduce((n, part) => n + extentOf(sizes, part), 0);
    const want = [batch, name.includes("q") ? queries : keys, columns];
    const { shape } = specs[k] as Spec;
    if (shape.every((n, axis) => n === want[axis])) return;
    throw new RangeError(
      `Cannot attend: ${name} must be f32 ${showShape(want)} beside the others: ${
        showShape(shape)
      }`,
    );
  });
  if (causal && queries !== keys) {
    throw new RangeError(
      `Cannot attend causally: need as many queries as keys: ${queries} and ${keys}`,
    );
  }
  return sizes;
}

function requireBase(name: string, spec: Spec | undefined): Spec {
  const { shape = [], dtype } = spec ?? {};
  if (spec !== undefined && shape.length === 3 && dtype === "f32" && sizeOf(shape) > 0) return spec;
  throw new RangeError(
    `Cannot attend: ${name} must be f32 [B, T, W]: ${dtype} ${showShape(shape)}`,
  );
}

/** Width of a head of queries, from the tensor that holds them. */
function widthOf(parts: string, { shape }: Spec, attrs: AttentionAttrs): number {
  const { heads, kvHeads = heads, valueWidth } = attrs;
  const count = heads + (parts.includes("k") ? kvHeads : 0) +
    (parts.includes("v") && valueWidth === undefined ? kvHeads : 0);
  const rest = parts.includes("v") && valueWidth !== undefined ? kvHeads * valueWidth : 0;
  const width = ((shape[2] as number) - rest) / count;
  if (Number.isInteger(width) && width >= 1) return width;
  throw new RangeError(
    `Cannot attend with ${heads} heads, and ${kvHeads} of keys and values: the last axis of ` +
      `${parts} must be ${rest} and a multiple of ${count}: ${showShape(shape)}`,
  );
}

/** Specs of y [B, Tq, H Dv] and of lse [B, H, Tq]. */
export function attentionSpecs(sizes: AttentionSizes): [Spec, Spec] {
  const { batch, queries, heads, valueWidth } = sizes;
  return [
    { shape: [batch, queries, heads * valueWidth], dtype: "f32" },
    { shape: [batch, heads, queries], dtype: "f32" },
  ];
}

/** Cost of a call with `passes` times the two products of the forward pass. */
export function attentionCost(
  sizes: AttentionSizes,
  { inputs, outputs }: Io<Spec>,
  { passes, attrs: { causal, window } }: { passes: number; attrs: AttentionAttrs },
): Cost {
  const { batch, queries, keys, heads, kvHeads, width, valueWidth } = sizes;
  const bytes = [...inputs, ...outputs].reduce((sum, s) => sum + 4 * sizeOf(s.shape), 0);
  const all = causal ? queries * keys / 2 : queries * keys;
  const inWindow = window === undefined ? all : queries * window * (causal ? 1 : 2);
  const flops = passes * 2 * batch * heads * Math.min(all, inWindow) * (width + valueWidth);
  const terms = Math.max(keys, queries * heads / kvHeads) + Math.max(width, valueWidth) + 64;
  return { flops, bytes, terms };
}
