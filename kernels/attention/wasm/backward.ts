/**
 * The WebAssembly kernel of attention's gradient: for a block of queries of a head, probabilities and
 * the gradients of scores in scratch memory, recomputed from lse; then the weighted sums of them.
 */
import type { Body } from "../../../src/wasm/body.ts";
import { larger, smaller } from "../../../src/wasm/ints.ts";
import type { KernelAreas, WasmKernel, WasmTarget } from "../../../src/wasm/kernel.ts";
import { type Area, I32, type Pointer } from "../../../src/wasm/values.ts";
import type { AttentionAttrs } from "../attention_attrs.ts";
import type { AttentionSizes } from "../attention_sizes.ts";
import {
  type AttentionCall,
  attentionCall,
  layScratch,
  partRows,
  resultTokens,
  type WordPointer,
  wordPointers,
} from "./call.ts";
import { type BatchMask, batchMask, maskTile, panelSpan } from "./mask.ts";
import {
  copyScaledRows,
  fillSlopes,
  fillZeros,
  type HeadTokens,
  packPanels,
  wholeVectors,
} from "./pack.ts";
import { printDelta } from "./backward_delta.ts";
import { printGradients } from "./backward_tile.ts";
import { PANEL, panelScores, weightedRows } from "./tile.ts";

/** Elements of a block's probabilities: they stay in the second-level cache. */
const BLOCK = 16384;
/** Fewest queries of a block: each adds to all gradients of keys and values in memory. */
const LEAST_QUERIES = 16;
/** Keys of a tile of their gradients. */
const KEYS = 4;

/** The parts of scratch memory. */
type Parts = Readonly<
  Record<
    | "slopes"
    | "segments"
    | "keyPanels"
    | "valuePanels"
    | "keys"
    | "queries"
    | "results"
    | "dkeys"
    | "dvalues"
    | "weights"
    | "dscores",
    Pointer
  >
>;

/** The kernel of the backward op. */
export function attentionBackwardKernel(
  sizes: AttentionSizes,
  attrs: AttentionAttrs,
  { paired, target }: {
    /** Whether the last output holds lse too. */
    readonly paired: boolean;
    readonly target: WasmTarget;
  },
): WasmKernel {
  const call = attentionCall(sizes, attrs, target);
  const { keys, queries, heads, width, valueWidth, bases } = sizes;
  const { padded, rows, pitch } = call;
  const least = Math.max(LEAST_QUERIES, Math.floor(BLOCK / padded));
  const block = Math.min(queries, Math.ceil(least / rows) * rows);
  const [keyRow, valueRow] = [wholeVectors(width), wholeVectors(valueWidth)];
  // Rows of whole blocks.
  const whole = Math.ceil(queries / block) * block;
  const scratch = layScratch({
    slopes: heads,
    segments: padded,
    keyPanels: padded * width,
    valuePanels: padded * valueWidth,
    keys: keys * keyRow,
    queries: whole * keyRow,
    results: whole * valueRow,
    dkeys: padded * keyRow,
    dvalues: padded * valueRow,
    weights: (block + rows) * pitch,
    dscores: (block + rows) * pitch,
  });
  const print = (b: Body, { inputs, outputs, scratch: memory }: KernelAreas) => {
    const count = bases.length;
    const parts = Object.fromEntries(
      Object.entries(scratch.offsets).map(([name, at]) => [name, b.at(memory, at)]),
    ) as Parts;
    fillSlopes(b, attrs.alibi ?? [], parts.slopes);
    const [y, lse, dy] = inputs.slice(count, count + 3) as [Area, Area, Area];
    printHeads(b, call, {
      ...{ y, lse, dy, parts, block, paired },
      bases: inputs.slice(0, count),
      words: wordPointers(b, call, inputs.slice(count + 3)),
      gradients: outputs.slice(0, count),
      delta: outputs[count] as Area,
    });
  };
  return { scratch: scratch.bytes, print };
}

interface Operands {
  readonly bases: readonly Area[];
  readonly words: WordPointer;
  readonly y: Area;
  readonly lse: Area;
  readonly dy: Area;
  readonly gradients: readonly Area[];
  readonly delta: Area;
  readonly parts: Parts;
  /** Queries of a block. */
  readonly block: number;
  readonly paired: boolean;
}

function printHeads(b: Body, call: AttentionCall, operands: Operands): void {
  const { bases, words, dy, gradients, parts } = operands;
  const { sizes, scale, group, padded } = call;
  const { batch: batches, kvHeads, heads, queries, width, valueWidth } = sizes;
  const [keyRow, valueRow] = [4 * wholeVectors(width), 4 * wholeVectors(valueWidth)];
  b.for({ to: batches }, (batch) => {
    const mask = batchMask(b, call, { batch, words, segments: parts.segments });
    b.for({ to: kvHeads }, (kvHead) => {
      const of = { bases, batch, head: kvHead };
      const [k, v] = [partRows(b, call, "k", of), partRows(b, call, "v", of)];
      packPanels(b, k, parts.keyPanels, scale);
      packPanels(b, v, parts.valuePanels);
      copyScaledRows(b, k, { at: parts.keys, row: keyRow }, scale);
      fillZeros(b, parts.dkeys, padded * keyRow);
      fillZeros(b, parts.dvalues, padded * valueRow);
      b.for({ to: group }, (member) => {
        const head = b.letInt(kvHead.times(group).plus(member));
        const q = partRows(b, call, "q", { bases, batch, head });
        const result = resultTokens(b, call, { area: dy, batch, head });
        copyScaledRows(b, q, { at: parts.queries, row: keyRow });
        copyScaledRows(b, result, { at: parts.results, row: valueRow });
        const numbers = b.letInt(batch.times(heads).plus(head).times(queries));
        printHead(b, call, operands, { mask, batch, head, numbers });
      });
      const to = { bases: gradients, batch, head: kvHead };
      const rows = (at: Pointer, row: number, like: HeadTokens) => ({ ...like, at, row });
      copyScaledRows(b, rows(parts.dkeys, keyRow, k), partRows(b, call, "k", to), scale);
      copyScaledRows(b, rows(parts.dvalues, valueRow, v), partRows(b, call, "v", to));
    });
  });
}

/** A query head of a row of the batch. */
interface Head {
  readonly mask: BatchMask;
  readonly batch: I32;
  readonly head: I32;
  /** Index of its first query in lse. */
  readonly numbers: I32;
}

function printHead(b: Body, call: AttentionCall, operands: Operands, of: Head): void {
  const { gradients, parts, block } = operands;
  const { sizes: { queries }, rows } = call;
  const dq = partRows(b, call, "q", { bases: gradients, batch: of.batch, head: of.head });
  printDelta(b, call, operands, of);
  b.for({ to: queries, step: block }, (start) => {
    const end = smaller(b, start.plus(block), queries);
    const count = b.letInt(smaller(b, I32.of(queries).minus(start), block));
    // Rows of the block are relative to its start. The last tile of queries begins earlier where they
    // are no multiple of it, even before the block: `rows` rows of scratch memory precede it.
    b.for({ to: count, step: rows }, (row) => {
      const first = smaller(b, start.plus(row), queries - rows);
      const local = b.letInt(smaller(b, row, larger(b, count.minus(rows), -rows)).plus(rows));
      printTile(b, call, operands, { ...of, first, local, dq });
    });
    printKeys(b, call, { parts, block, mask: of.mask, start, end, count });
  });
}

/** A tile of queries from `first` on, which are rows from `local` on of the block. */
interface Tile extends Head {
  readonly first: I32;
  readonly local: I32;
  readonly dq: HeadTokens;
}

/** Fills the rows of a tile with probabilities and gradients of scores, and stores dq. */
function printTile(b: Body, call: AttentionCall, operands: Operands, tile: Tile): void {
  const { parts } = operands;
  const { mask, first, local, dq, numbers, head } = tile;
  const { sizes: { keys, width, valueWidth }, rows, pitch, attrs } = call;
  const span = panelSpan(b, call, mask, { first, count: rows });
  const at = b.letInt(local.times(4 * pitch));
  const [weights, dscores] = [parts.weights, parts.dscores].map((part) =>
    b.letPointer(part.plus(at))
  ) as [Pointer, Pointer];
  const [keyRow, valueRow] = [4 * wholeVectors(width), 4 * wholeVectors(valueWidth)];
  const common = { rows, width: call.width, span, pitch };
  panelScores(b, {
    ...{ ...common, depth: width, panels: parts.keyPanels, scores: weights },
    row: keyRow,
    left: b.letPointer(parts.queries.plus(first.times(keyRow))),
  });
  panelScores(b, {
    ...{ ...common, depth: valueWidth, panels: parts.valuePanels, scores: dscores },
    row: valueRow,
    left: b.letPointer(parts.results.plus(first.times(valueRow))),
  });
  const slope = attrs.alibi && parts.slopes.plus(head.times(4));
  maskTile(b, call, mask, { at: weights, first, slope, span });
  printGradients(b, call, operands, {
    ...{ weights, dscores, span },
    index: b.letInt(numbers.plus(first)),
  });
  weightedRows(b, {
    rows,
    depth: keys,
    left: { row: 4 * pitch, step: 4 },
    right: { step: keyRow },
    target: dq.row,
  }, {
    columns: width,
    width: call.width,
    operands: {
      left: dscores,
      right: parts.keys,
      target: b.letPointer(dq.at.plus(first.times(dq.row))),
      span: { from: span.from.times(PANEL), to: span.keys },
    },
  });
}

/** Adds what a block of queries gives to the gradients of keys and values. */
function printKeys(
  b: Body,
  { attrs: { causal, window }, sizes, width, pitch, rows }: AttentionCall,
  { parts, block, mask, start, end, count }: {
    readonly parts: Parts;
    /** Most queries. */
    readonly block: number;
    readonly mask: BatchMask;
    /** First query, the one behind the last, and how many there are. */
    readonly start: I32;
    readonly end: I32;
    readonly count: I32;
  },
): void {
  const { length } = mask;
  const until = causal ? smaller(b, length, end) : length;
  const last = window === undefined ? until : smaller(b, until, end.plus(window - 1));
  const low = window === undefined ? I32.of(0) : larger(b, 0, start.plus(1 - window));
  const from = b.letInt(smaller(b, low, sizes.keys).over(KEYS));
  const to = b.letInt(last.plus(KEYS - 1).over(KEYS));
  const line = 4 * pitch;
  b.for({ from, to }, (tile) => {
    const key = b.letInt(tile.times(KEYS));
    const earliest = causal ? key : window === undefined ? I32.of(0) : key.plus(1 - window);
    const first = smaller(b, larger(b, earliest.minus(start), 0), count);
    const behind = window === undefined
      ? count
      : larger(b, smaller(b, key.plus(KEYS - 1 + window).minus(start), count), 0);
    const add = (scores: Pointer, right: Pointer, gradient: Pointer, columns: number) => {
      const row = 4 * wholeVectors(columns);
      const left = b.letPointer(scores.plus(rows * line).plus(key.times(4)));
      const terms = b.letPointer(right.plus(start.times(row)));
      const target = b.letPointer(gradient.plus(key.times(row)));
      weightedRows(b, {
        rows: KEYS,
        depth: block,
        left: { row: 4, step: line },
        right: { step: row },
        target: row,
        isAdded: true,
      }, {
        columns,
        width,
        operands: { left, right: terms, target, span: { from: first, to: behind } },
      });
    };
    add(parts.weights, parts.results, parts.dvalues, sizes.valueWidth);
    add(parts.dscores, parts.queries, parts.dkeys, sizes.width);
  });
}
