/**
 * Gradient of cross_entropy: logits [..., V], targets u32 [...], lse [R], dloss [R] ->
 * dlogits [..., V] = (exp(logits - lse) - [column is the target]) * dloss; 0 in ignored rows.
 */
import { sameShape, showShape, sizeOf } from "../src/base/shape.ts";
import type { Case, Launch, Op, View } from "../src/graph/types.ts";
import { lineGroups, lineHead } from "../src/graph/wgsl.ts";
import { IGNORE } from "./ignore.ts";
import { itemWgsl, itemWidth } from "./rows.ts";

function wgslOf(rows: number, columns: number, groups: Launch["groups"]): string {
  const width = itemWidth(columns);
  const items = columns / width;
  const [words, lanes] = width === 4 ? ["vec4<u32>", "vec4<u32>(0u, 1u, 2u, 3u) + "] : ["u32", ""];
  return `${itemWgsl(width)}
@group(0) @binding(0) var<storage, read> logits: array<Item>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read> lses: array<f32>;
@group(0) @binding(3) var<storage, read> dloss: array<f32>;
@group(0) @binding(4) var<storage, read_write> dlogits: array<Item>;
${lineHead(rows * items, groups)}
  let row = i / ${items}u;
  let label = targets[row];
  let columns = ${lanes}${width}u * (i % ${items}u);
  let hit = select(Item(), Item() + 1.0f, columns == ${words}(label));
  let slope = (exp(logits[i] - lses[row]) - hit) * dloss[row];
  dlogits[i] = select(slope, Item(), label == ${IGNORE}u);
}
`;
}

/** The op; `cross_entropy`'s vjp applies it. */
export const crossEntropyBackwardOp: Op = {
  name: "cross_entropy_backward",
  shape([logits, targets, lse, dloss]) {
    if (!logits || !targets || !lse || !dloss) {
      throw new RangeError("Cannot cross_entropy_backward: it takes four inputs");
    }
    const rows = sizeOf(logits.shape) / (logits.shape.at(-1) ?? 1);
    for (const [name, { shape }] of [["lse", lse], ["dloss", dloss]] as const) {
      if (sameShape(shape, [rows])) continue;
      throw new RangeError(
        `Cannot cross_entropy_backward ${showShape(logits.shape)} with ${name} ` +
          `${showShape(shape)}: its axis 0 must be ${rows}`,
      );
    }
    if (sizeOf(targets.shape) !== rows) {
      throw new RangeError(
        `Cannot cross_entropy_backward ${showShape(logits.shape)} with targets ` +
          `${showShape(targets.shape)}: leading axes differ`,
      );
    }
    return [logits];
  },
  launch({ inputs: [logits, targets] }, _, target) {
    if (!logits || !targets) return [];
    const [rows, columns] = [sizeOf(targets.shape), logits.shape.at(-1) as number];
    const groups = lineGroups(rows * columns / itemWidth(columns), target.groups);
    return [{
      wgsl: wgslOf(rows, columns, groups),
      bindings: [{ input: 0 }, { input: 1 }, { input: 2 }, { input: 3 }, { output: 0 }],
      groups,
    }];
  },
  reference({ inputs: [logits, targets, lse, dloss], outputs: [dlogits] }) {
    if (!logits || !targets || !lse || !dloss || !dlogits) return;
    const columns = logits.shape.at(-1) as number;
    for (let i = 0; i < logits.data.length; i++) {
      const row = Math.floor(i / columns);
      const label = targets.data[row] as number;
      const p = Math.exp((logits.data[i] as number) - (lse.data[row] as number));
      const hit = label === i % columns ? 1 : 0;
      dlogits.data[i] = label === IGNORE ? 0 : (p - hit) * (dloss.data[row] as number);
    }
  },
  cost({ inputs: [logits, targets] }) {
    const [n, rows] = [sizeOf(logits?.shape ?? []), sizeOf(targets?.shape ?? [])];
    return { flops: 10 * n, bytes: 4 * (2 * n + 3 * rows), terms: 64 };
  },
  cases: [
    ...[1, 3, 4, 5, 63, 64, 65].map((columns) => backwardCase("tile", 9, columns)),
    backwardCase("ragged", 3, 5, 83),
    backwardCase("ragged", 3, 7, 84),
    backwardCase("bench", 2048, 128),
    backwardCase("bench", 256, 50257),
  ],
};

function backwardCase(kind: Case["kind"], ...shape: number[]): Case {
  const columns = shape.at(-1) as number;
  const rows = sizeOf(shape) / columns;
  return {
    kind,
    inputs: [
      { shape, dtype: "f32" },
      { shape: shape.slice(0, -1), dtype: "u32" },
      { shape: [rows], dtype: "f32" },
      { shape: [rows], dtype: "f32" },
    ],
    attrs: {},
    below: { 1: columns },
    range: { 0: [-8, 8] },
    fill,
  };
}

/** Gives each row its own lse, and lets every third row but the first be ignored. */
function fill([logits, targets, lse]: readonly View[]): void {
  if (!logits || !targets || !lse) return;
  const columns = logits.shape.at(-1) as number;
  lse.data.forEach((_: number, row: number) => {
    let total = 0;
    for (let c = 0; c < columns; c++) total += Math.exp(logits.data[row * columns + c] as number);
    lse.data[row] = Math.log(total);
    if (row % 3 === 2) targets.data[row] = IGNORE;
  });
}
