/**
 * Rows of experts: each choice of a token gets a row among those of its expert. The rows of an expert
 * follow each other in order of choices and are padded to whole tiles, so that a product can find
 * the expert of a tile. The number of rows does not depend on the choices.
 */
import { ceilDiv, showShape, sizeOf } from "../../src/base/shape.ts";
import { argsort, argsortOp } from "../embedding/mod.ts";
import type { Case, Io, Launch, Op, Spec, Tensor, View } from "../../src/graph/types.ts";
import { linearGroups, linearHead } from "../../src/graph/wgsl.ts";
import { type ExpertRowSizes, expertRowsKernel } from "./routing_wasm.ts";

/** How choices become rows. */
export interface ExpertRowsAttrs {
  /** Experts E. */
  readonly experts: number;
  /** Rows of a tile. */
  readonly tile: number;
  /** Choices that an expert takes at most, in order; default: all. */
  readonly capacity?: number;
}

/** The rows of experts; P rows, R tokens with K choices each. */
export interface ExpertRows {
  /** Row of each choice: u32 [R, K]; 0 for one beyond the capacity. */
  readonly rowOf: Tensor;
  /** 1 for a choice that has a row, else 0: f32 [R, K]. */
  readonly kept: Tensor;
  /** Token of each row: u32 [P]; any token for rows of no choice. */
  readonly tokens: Tensor;
  /** Expert of each tile: u32 [P / tile], ascending; the last one for tiles without choices. */
  readonly groups: Tensor;
  /** Choices of each expert, those beyond the capacity too: f32 [E]. */
  readonly counts: Tensor;
}

/**
 * Gives a row to each choice `ids` u32 [R, K] of experts, below E.
 * @throws {RangeError} when ids have not two axes, or a size is no whole number above 0.
 */
export function expertRows(ids: Tensor, attrs: ExpertRowsAttrs): ExpertRows {
  const outputs = ids.trace.apply(expertRowsOp, [argsort(ids), ids], attrs);
  const [rowOf, kept, tokens, groups, counts] = outputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
  return { rowOf, kept, tokens, groups, counts };
}

/** The most tiles that any choices need: each expert that has one fills at most one in part. */
function sizes(ids: Spec, { experts, tile, capacity = Infinity }: ExpertRowsAttrs): ExpertRowSizes {
  const choices = sizeOf(ids.shape);
  const used = Math.min(experts, choices);
  const tiles = Math.min(
    used + Math.floor((choices - used) / tile),
    experts * ceilDiv(Math.min(capacity, choices), tile),
  );
  return {
    choices,
    count: ids.shape.at(-1) as number,
    experts,
    capacity: Math.min(capacity, choices),
    tile,
    tiles,
  };
}

/** An invocation walks over the experts, whose choices are neighbours in `order`. */
function wgslOf(
  { choices, count, experts, capacity, tile, tiles }: ExpertRowSizes,
  groups: Launch["groups"],
): string {
  const rows = tile * tiles;
  return `@group(0) @binding(0) var<storage, read> order: array<u32>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> rows: array<u32>;
@group(0) @binding(3) var<storage, read_write> kept: array<f32>;
@group(0) @binding(4) var<storage, read_write> tokens: array<u32>;
@group(0) @binding(5) var<storage, read_write> groups: array<u32>;
@group(0) @binding(6) var<storage, read_write> counts: array<f32>;

fn ends(expert: u32) -> u32 {
  var low = 0u;
  var high = ${choices}u;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (ids[order[middle]] <= expert) { low = middle + 1u; } else { high = middle; }
  }
  return low;
}

${linearHead(Math.max(choices, rows, experts), groups)}
  var token = i % ${choices / count}u;
  var group = ${experts - 1}u;
  var start = 0u;
  var first = 0u;
  for (var expert = 0u; expert < ${experts}u; expert++) {
    let last = ends(expert);
    if (i == expert) { counts[i] = f32(last - first); }
    let taken = min(last - first, ${capacity}u);
    let padded = (taken + ${tile - 1}u) / ${tile}u * ${tile}u;
    if (i >= first && i < last) {
      let isKept = i - first < taken;
      rows[order[i]] = select(0u, start + i - first, isKept);
      kept[order[i]] = select(0.0f, 1.0f, isKept);
    }
    if (i >= start && i < start + padded) {
      group = expert;
      if (i - start < taken) { token = order[first + i - start] / ${count}u; }
    }
    start += padded;
    first = last;
  }
  if (i < ${rows}u) {
    tokens[i] = token;
    if (i % ${tile}u == 0u) { groups[i / ${tile}u] = group; }
  }
}
`;
}

function reference({ inputs: [, ids], outputs }: Io<View>, attrs: ExpertRowsAttrs): void {
  const [rowOf, kept, tokens, groups, counts] = outputs;
  if (!ids || !rowOf || !kept || !tokens || !groups || !counts) return;
  const { choices, count: perToken, experts, capacity, tile } = sizes(ids, attrs);
  for (let i = 0; i < tokens.data.length; i++) tokens.data[i] = i % (choices / perToken);
  groups.data.fill(experts - 1);
  rowOf.data.fill(0);
  kept.data.fill(0);
  let start = 0;
  for (let expert = 0; expert < experts; expert++) {
    let [rank, count] = [0, 0];
    for (let choice = 0; choice < choices; choice++) {
      if (ids.data[choice] !== expert) continue;
      count++;
      if (rank === capacity) continue;
      rowOf.data[choice] = start + rank;
      kept.data[choice] = 1;
      tokens.data[start + rank] = Math.floor(choice / perToken);
      groups.data[Math.floor((start + rank) / tile)] = expert;
      rank++;
    }
    counts.data[expert] = count;
    start += tile * ceilDiv(rank, tile);
  }
}

/** The op behind {@linkcode expertRows}. */
export const expertRowsOp: Op = {
  name: "expert_rows",
  shape([order, ids], attrs: ExpertRowsAttrs) {
    const { experts, tile, capacity = 1 } = attrs;
    const isWhole = [experts, tile, capacity].every((n) => Number.isInteger(n) && n > 0);
    if (ids?.dtype !== "u32" || ids.shape.length !== 2 || order?.dtype !== "u32" || !isWhole) {
      throw new RangeError(
        `Cannot expert_rows ${showShape(ids?.shape ?? [])}: need order u32 [C], ids u32 [R, K], ` +
          `and whole sizes above 0: ${experts} experts, tile ${tile}, capacity ${capacity}`,
      );
    }
    if (sizeOf(order.shape) !== sizeOf(ids.shape)) {
      throw new RangeError(
        `Cannot expert_rows ${showShape(ids.shape)}: order has ${showShape(order.shape)}`,
      );
    }
    const { tiles } = sizes(ids, attrs);
    return [
      { shape: ids.shape, dtype: "u32" },
      { shape: ids.shape, dtype: "f32" },
      { shape: [tiles * tile], dtype: "u32" },
      { shape: [tiles], dtype: "u32" },
      { shape: [experts], dtype: "f32" },
    ];
  },
  launch({ inputs: [, ids] }, attrs: ExpertRowsAttrs, target) {
    const made = sizes(ids as Spec, attrs);
    const { choices, tile, tiles, experts } = made;
    const groups = linearGroups(Math.max(choices, tile * tiles, experts), target.groups);
    return [{
      wgsl: wgslOf(made, groups),
      bindings: [
        { input: 0 },
        { input: 1 },
        ...[0, 1, 2, 3, 4].map((output) => ({ output })),
      ],
      groups,
    }];
  },
  wasm: ({ inputs: [, ids] }, attrs: ExpertRowsAttrs) =>
    expertRowsKernel(sizes(ids as Spec, attrs)),
  reference,
  cost({ inputs: [, ids], outputs }, _) {
    const words = outputs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    return { flops: 0, bytes: 4 * (2 * sizeOf(ids?.shape ?? []) + words), terms: 1 };
  },
  // The choice is constant almost everywhere.
  vjp: () => [],
  cases: [
    rowsCase("tile", [1, 1], { experts: 1, tile: 1 }),
    rowsCase("tile", [32, 2], { experts: 4, tile: 8 }),
    rowsCase("tile", [33, 2], { experts: 4, tile: 8, capacity: 16 }),
    rowsCase("ragged", [2, 2], { experts: 9, tile: 6 }),
    rowsCase("ragged", [37, 3], { experts: 5, tile: 6, capacity: 13 }),
    rowsCase("ragged", [70, 1], { experts: 3, tile: 24, capacity: 1 }),
    rowsCase("ragged", [200, 2], { experts: 70, tile: 6 }),
    rowsCase("bench", [1024, 2], { experts: 8, tile: 48 }),
  ],
};

function rowsCase(kind: Case["kind"], shape: number[], attrs: ExpertRowsAttrs): Case {
  return {
    kind,
    inputs: [{ shape: [sizeOf(shape)], dtype: "u32" }, { shape, dtype: "u32" }],
    attrs,
    below: { 1: attrs.experts },
    fill: ([order, ids]) => {
      if (order && ids) argsortOp.reference({ inputs: [ids], outputs: [order] }, {});
    },
  };
}
