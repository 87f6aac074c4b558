/** What the WebAssembly kernels of attention share: operands by name, tiles, and scratch memory. */
import type { Body } from "../../../src/wasm/body.ts";
import type { WasmTarget } from "../../../src/wasm/kernel.ts";
import type { Area, I32, Pointer } from "../../../src/wasm/values.ts";
import type { AttentionAttrs, HeadPart } from "../attention_attrs.ts";
import { divisorOf } from "../attention_attrs.ts";
import type { AttentionSizes } from "../attention_sizes.ts";
import { partColumns } from "../attention_sizes.ts";
import { wordInputs } from "../attention_words.ts";
import type { WordName } from "../attention_words.ts";
import type { HeadTokens } from "./pack.ts";
import { PANEL } from "./tile.ts";

/** Most rows of a tile: 4 x 16 sums fill 8 of 16 registers of 256 bits. */
const ROWS = 4;
/** Bytes of a cache line. */
const LINE = 64;

/** A call and the tiles it is computed in. */
export interface AttentionCall {
  readonly sizes: AttentionSizes;
  readonly attrs: AttentionAttrs;
  /** Factor of the scores. */
  readonly scale: number;
  /** Query heads per head of keys. */
  readonly group: number;
  /** Queries of a tile. */
  readonly rows: number;
  /** Columns of a tile. */
  readonly width: number;
  /** Keys, rounded up to whole panels. */
  readonly padded: number;
  /** Elements between rows of scores: an odd number of cache lines, which fall into different sets. */
  readonly pitch: number;
}

/** The tiling of a call. */
export function attentionCall(
  sizes: AttentionSizes,
  attrs: AttentionAttrs,
  { pairs }: WasmTarget,
): AttentionCall {
  const padded = Math.ceil(sizes.keys / PANEL) * PANEL;
  return {
    sizes,
    attrs,
    scale: 1 / divisorOf(sizes.width, attrs),
    group: sizes.heads / sizes.kvHeads,
    rows: Math.min(ROWS, sizes.queries),
    width: pairs ? PANEL : PANEL / 2,
    padded,
    pitch: padded + (padded % (2 * PANEL) === 0 ? PANEL : 2 * PANEL),
  };
}

/** The rows of one head in a tensor of a part: a base, or its gradient. */
export function partRows(
  b: Body,
  { sizes }: AttentionCall,
  part: HeadPart,
  { bases, batch, head }: {
    readonly bases: readonly Area[];
    readonly batch: I32;
    readonly head: I32;
  },
): HeadTokens {
  const { base, first, columns, width } = partColumns(sizes, part);
  const tokens = part === "q" ? sizes.queries : sizes.keys;
  const bytes = batch.times(4 * tokens * columns).plus(head.times(4 * width)).plus(4 * first);
  const at = b.letPointer(b.at(bases[base] as Area, bytes));
  return { at, row: 4 * columns, tokens, columns: width };
}

/** The rows of one head of y or of its gradient. */
export function resultTokens(
  b: Body,
  { sizes: { queries, heads, valueWidth } }: AttentionCall,
  { area, batch, head }: { readonly area: Area; readonly batch: I32; readonly head: I32 },
): HeadTokens {
  const columns = heads * valueWidth;
  const bytes = batch.times(4 * queries * columns).plus(head.times(4 * valueWidth));
  const at = b.letPointer(b.at(area, bytes));
  return { at, row: 4 * columns, tokens: queries, columns: valueWidth };
}

/** Where an optional input starts; undefined where the call has none of this name. */
export type WordPointer = (name: WordName) => Pointer | undefined;

/** The optional inputs, joined in one area or not. */
export function wordPointers(
  b: Body,
  { sizes, attrs }: AttentionCall,
  extra: readonly Area[],
): WordPointer {
  const all = wordInputs(sizes, attrs);
  const isJoined = extra.length < all.length;
  return (name) => {
    const k = all.findIndex((words) => words.name === name);
    const area = extra[isJoined ? 0 : k];
    if (k < 0 || area === undefined) return undefined;
    return b.at(area, isJoined ? 4 * (all[k]?.offset ?? 0) : 0);
  };
}

/** Offsets of parts of scratch memory, and its size. */
export interface ScratchLayout<Name extends string> {
  readonly offsets: Readonly<Record<Name, number>>;
  readonly bytes: number;
}

/** Places parts of so many elements one after the other, each at a cache line. */
export function layScratch<Name extends string>(
  sizes: Readonly<Record<Name, number>>,
): ScratchLayout<Name> {
  let bytes = 0;
  const offsets: Partial<Record<Name, number>> = {};
  for (const [name, elements] of Object.entries<number>(sizes)) {
    offsets[name as Name] = bytes;
    bytes += Math.ceil(4 * elements / LINE) * LINE;
  }
  return { offsets: offsets as Record<Name, number>, bytes };
}
