/**
 * The WebAssembly kernel of attention's gradient: for a block of queries of a head, probabilities and
 * the gradients of scores in scratch memory, recomputed from lse; then the weighted sums of them.
 */
import type { Body } from "../../../src/wasm/body.ts";
import { larger, smaller } from "../../../src/wasm/ints.ts";
import type { KernelRegions, WasmKernel, WasmTarget } from "../../../src/wasm/kernel.ts";
import { exp } from "../../../src/wasm/math.ts";
import { transpose } from "../../../src/wasm/transpose.ts";
import { I32, type Pointer, type Region, type V128 } from "../../../src/wasm/values.ts";
import { f32x4, v128 } from "../../../src/wasm/vectors.ts";
import { range } from "../../emit/range.ts";
import type { AttentionAttrs } from "../attention_attrs.ts";
import type { AttentionSizes } from "../attention_sizes.ts";
import {
  type AttentionCall,
  attentionCall,
  layScratch,
  partRows,
  resultRows,
  type WordPointer,
  wordPointers,
} from "./call.ts";
import {
  type BatchMask,
  batchMask,
  hasMask,
  type KeptLanes,
  keptLanes,
  maskRow,
  PANEL_VECTORS,
  type PanelSpan,
  panelSpan,
} from "./mask.ts";
import {
  copyRows,
  fillSlopes,
  fillZeros,
  type HeadRows,
  packPanels,
  paddedColumns,
} from "./pack.ts";
import { PANEL, panelScores, VECTOR, weightedRows } from "./tile.ts";

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
  const [keyRow, valueRow] = [paddedColumns(width), paddedColumns(valueWidth)];
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
  const print = (b: Body, { inputs, outputs, scratch: memory }: KernelRegions) => {
    const count = bases.length;
    const parts = Object.fromEntries(
      Object.entries(scratch.offsets).map(([name, at]) => [name, b.at(memory, at)]),
    ) as Parts;
    fillSlopes(b, attrs.alibi ?? [], parts.slopes);
    const [y, lse, dy] = inputs.slice(count, count + 3) as [Region, Region, Region];
    printHeads(b, call, {
      ...{ y, lse, dy, parts, block, paired },
      bases: inputs.slice(0, count),
      words: wordPointers(b, call, inputs.slice(count + 3)),
      gradients: outputs.slice(0, count),
      delta: outputs[count] as Region,
    });
  };
  return { scratch: scratch.bytes, print };
}

interface Operands {
  readonly bases: readonly Region[];
  readonly words: WordPointer;
  readonly y: Region;
  readonly lse: Region;
  readonly dy: Region;
  readonly gradients: readonly Region[];
  readonly delta: Region;
  readonly parts: Parts;
  /** Queries of a block. */
  readonly block: number;
  readonly paired: boolean;
}

function printHeads(b: Body, call: AttentionCall, operands: Operands): void {
  const { bases, words, dy, gradients, parts } = operands;
  const { sizes, scale, group, padded } = call;
  const { batch: batches, kvHeads, heads, queries, width, valueWidth } = sizes;
  const [keyRow, valueRow] = [4 * paddedColumns(width), 4 * paddedColumns(valueWidth)];
  b.for({ to: batches }, (batch) => {
    const mask = batchMask(b, call, { batch, words, segments: parts.segments });
    b.for({ to: kvHeads }, (kvHead) => {
      const of = { bases, batch, head: kvHead };
      const [k, v] = [partRows(b, call, "k", of), partRows(b, call, "v", of)];
      packPanels(b, k, parts.keyPanels, scale);
      packPanels(b, v, parts.valuePanels);
      copyRows(b, k, { at: parts.keys, row: keyRow }, scale);
      fillZeros(b, parts.dkeys, padded * keyRow);
      fillZeros(b, parts.dvalues, padded * valueRow);
      b.for({ to: group }, (member) => {
        const head = b.letInt(kvHead.times(group).plus(member));
        const q = partRows(b, call, "q", { bases, batch, head });
        const result = resultRows(b, call, { region: dy, batch, head });
        copyRows(b, q, { at: parts.queries, row: keyRow });
        copyRows(b, result, { at: parts.results, row: valueRow });
        const numbers = b.letInt(batch.times(heads).plus(head).times(queries));
        printHead(b, call, operands, { mask, batch, head, numbers });
      });
      const to = { bases: gradients, batch, head: kvHead };
      const rows = (at: Pointer, row: number, like: HeadRows) => ({ ...like, at, row });
      copyRows(b, rows(parts.dkeys, keyRow, k), partRows(b, call, "k", to), scale);
      copyRows(b, rows(parts.dvalues, valueRow, v), partRows(b, call, "v", to));
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

/**
 * Stores the products of y and its gradient, beside lse where they are paired. They add columns in the
 * order in which tiles add them, so that the gradient of the score of a single key is exactly zero.
 */
function printDelta(
  b: Body,
  call: AttentionCall,
  { y, lse, dy, delta, paired }: Operands,
  { batch, head, numbers }: Head,
): void {
  const [{ at, row, tokens, columns }, { at: dat }] = [y, dy].map((region) =>
    resultRows(b, call, { region, batch, head })
  ) as [HeadRows, HeadRows];
  const step = paired ? 8 : 4;
  const to = b.letPointer(b.at(delta, numbers.times(step)));
  const from = b.letPointer(b.at(lse, numbers.times(4)));
  const print = (count: number, [target, numbersAt, left, right]: readonly Pointer[]) => {
    if (!target || !numbersAt || !left || !right) return;
    const sum = b.variable(v128.zero);
    const add = (parts: readonly Pointer[], lanes: number) => {
      const [p, q] = parts.map((part) =>
        transpose(
          b,
          range(4).map((k) => k < count ? b.let(b.loadSome(part.plus(k * row), lanes)) : v128.zero),
        )
      ) as [V128[], V128[]];
      for (let c = 0; c < lanes; c++) {
        b.set(sum, f32x4.madd(p[c] as V128, q[c] as V128, sum));
      }
    };
    const whole = Math.floor(columns / 4);
    b.walk(whole, [[left, VECTOR], [right, VECTOR]], (...parts) => add(parts, 4));
    const done = VECTOR * whole;
    if (columns % 4 > 0) add([left.plus(done), right.plus(done)], columns % 4);
    if (!paired) return b.storeSome(target, sum, count);
    const logs = b.let(b.loadSome(numbersAt, count));
    b.storeSome(target, v128.shuffle(logs, sum, [0, 4, 1, 5]), Math.min(4, 2 * count));
    if (count > 2) {
      b.storeSome(target.plus(VECTOR), v128.shuffle(logs, sum, [2, 6, 3, 7]), 2 * count - 4);
    }
  };
  const whole = Math.floor(tokens / 4);
  const places = [[to, 4 * step], [from, VECTOR], [at, 4 * row], [dat, 4 * row]] as const;
  b.walk(whole, places, (...pointers) => print(4, pointers));
  if (tokens % 4 > 0) print(tokens % 4, places.map(([p, bytes]) => p.plus(bytes * whole)));
}

/** A tile of queries from `first` on, which are rows from `local` on of the block. */
interface Tile extends Head {
  readonly first: I32;
  readonly local: I32;
  readonly dq: HeadRows;
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
  const [keyRow, valueRow] = [4 * paddedColumns(width), 4 * paddedColumns(valueWidth)];
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
  b.for({ to: rows }, (r) => {
    const query = b.letInt(first.plus(r));
    const [row, drow] = [weights, dscores].map((part) =>
      b.letPointer(part.plus(r.times(4 * pitch)))
    ) as [Pointer, Pointer];
    const slope = attrs.alibi && parts.slopes.plus(head.times(4));
    if (hasMask(call)) {
      maskRow(b, call, mask, { at: row, query, slope }, { from: span.masked, to: span.to });
    }
    printRow(b, call, operands, { row, drow, span, index: b.letInt(numbers.plus(query)) });
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

/**
 * Replaces scores by probabilities p with dropout applied, and the gradients of probabilities by
 * p (gradient - delta), p without dropout.
 */
function printRow(
  b: Body,
  call: AttentionCall,
  { words, lse, delta, paired }: Operands,
  { row, drow, span, index }: {
    readonly row: Pointer;
    readonly drow: Pointer;
    readonly span: PanelSpan;
    /** Of the query in lse. */
    readonly index: I32;
  },
): void {
  const number = b.at(lse, index.times(4));
  const product = b.at(delta, index.times(paired ? 8 : 4)).plus(paired ? 4 : 0);
  const { attrs: { dropout }, padded, sizes: { batch, heads, queries } } = call;
  const key = dropout && words("key");
  const panels = { min: 0, max: padded / PANEL };
  const regions = [
    { name: "scores", bytes: 4 * padded },
    { name: "gradients", bytes: 4 * padded },
    { name: "lse", bytes: 4 },
    { name: "delta", bytes: 4 },
    ...key === undefined ? [] : [{ name: "key", bytes: 8 }],
  ];
  const ints = [panels, panels, { min: 0, max: batch * heads * queries - 1 }];
  const print = b.define({ regions, ints }, (body, all, [from, to, query]) => {
    const [at, dat, log, dot, keyRegion] = all.map((region) => body.at(region));
    if (!at || !dat || !log || !dot || !from || !to || !query) return;
    const keptOf = keptLanes(body, call, () => keyRegion, query);
    printScoreGradients(body, { at, dat, log, dot, span: { from, to }, keptOf, dropout });
  });
  b.call(print, {
    regions: [row, drow, number, product, ...key === undefined ? [] : [key]],
    ints: [span.from, span.to, index],
  });
}

function printScoreGradients(
  b: Body,
  { at, dat, log, dot, span, keptOf, dropout }: {
    readonly at: Pointer;
    readonly dat: Pointer;
    /** Of the row: the log of the sum of its exponentials, and the product of y and its gradient. */
    readonly log: Pointer;
    readonly dot: Pointer;
    readonly span: { readonly from: I32; readonly to: I32 };
    readonly keptOf: KeptLanes | undefined;
    readonly dropout: AttentionAttrs["dropout"];
  },
): void {
  const scale = f32x4.splat(1 / (dropout?.keep ?? 1));
  const line = 4 * PANEL;
  const print = (weights: Pointer, gradients: Pointer, panel?: I32) => {
    const [most, product] = [b.let(b.loadSplat(log)), b.let(b.loadSplat(dot))];
    for (let first = 0; first < PANEL_VECTORS; first += 2) {
      const values = range(2).map((k): readonly [V128, V128] => {
        const v = first + k;
        const p = exp(b, b.let(f32x4.sub(b.load(weights.plus(VECTOR * v)), most)));
        const dp = b.load(gradients.plus(VECTOR * v));
        if (keptOf === undefined || panel === undefined) {
          return [p, b.let(f32x4.mul(p, f32x4.sub(dp, product)))];
        }
        const mask = keptOf(panel, v);
        const used = b.let(v128.and(mask, f32x4.mul(p, scale)));
        const dused = v128.and(mask, f32x4.mul(dp, scale));
        return [used, b.let(f32x4.mul(p, f32x4.sub(dused, product)))];
      });
      for (const [side, to] of [weights, gradients].entries()) {
        values.forEach((pair, k) => {
          b.store(to.plus(VECTOR * (first + k)), pair[side as 0 | 1]);
        });
      }
    }
  };
  if (keptOf === undefined) {
    b.walkFrom(span, [[at, line], [dat, line]], (weights, gradients) => print(weights, gradients));
    return;
  }
  b.for(span, (panel) => {
    const bytes = b.letInt(panel.times(line));
    print(b.letPointer(at.plus(bytes)), b.letPointer(dat.plus(bytes)), panel);
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
      const row = 4 * paddedColumns(columns);
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
