/**
 * Gradient of an embedding's table: order u32 [R] (argsort of ids), ids u32 [...], dy [..., D] ->
 * [V, D]. Row v is the sum of dy over the positions with id v, in order. These positions are
 * contiguous in `order`, so no atomics are needed.
 */
import { showShape, sizeOf } from "../../src/base/shape.ts";
import type { Case, Launch, Op, Spec } from "../../src/graph/types.ts";
import { linearGroups, linearHead, WORKGROUP_SIZE } from "../../src/graph/wgsl.ts";
import { embeddingBackwardKernel, type EmbeddingSizes } from "./embedding_wasm.ts";
import { itemWgsl, itemWidth } from "../emit/rows.ts";
import { argsortOp } from "./argsort.ts";

/** `vocabulary`: rows V of the table. */
export interface EmbeddingBackwardAttrs {
  readonly vocabulary: number;
}

/** One item of the table per invocation, which finds its id's first position by binary search. */
function wgslOf(
  { vocabulary, positions, columns }: EmbeddingSizes,
  groups: Launch["groups"],
): string {
  const items = columns / itemWidth(columns);
  return `${itemWgsl(itemWidth(columns))}
@group(0) @binding(0) var<storage, read> order: array<u32>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> dy: array<Item>;
@group(0) @binding(3) var<storage, read_write> dtable: array<Item>;
${linearHead(vocabulary * items, groups)}
  let id = i / ${items}u;
  let item = i % ${items}u;
  var low = 0u;
  var high = ${positions}u;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (ids[order[middle]] < id) { low = middle + 1u; } else { high = middle; }
  }
  var total = Item();
  while (low < ${positions}u) {
    let position = order[low];
    if (ids[position] != id) { break; }
    total += dy[position * ${items}u + item];
    low++;
  }
  dtable[i] = total;
}
`;
}

function sizes(ids: Spec, dy: Spec, { vocabulary }: EmbeddingBackwardAttrs): EmbeddingSizes {
  return { vocabulary, positions: sizeOf(ids.shape), columns: dy.shape.at(-1) ?? 1 };
}

/** The op; `embedding`'s vjp applies it. */
export const embeddingBackwardOp: Op = {
  name: "embedding_backward",
  shape([order, ids, dy], { vocabulary }: EmbeddingBackwardAttrs) {
    if (!order || !ids || !dy) {
      throw new RangeError("Cannot embedding_backward: it takes three inputs");
    }
    const columns = dy.shape.at(-1) ?? 1;
    const positions = sizeOf(ids.shape);
    if (sizeOf(order.shape) !== positions || sizeOf(dy.shape) !== positions * columns) {
      throw new RangeError(
        `Cannot embedding_backward ${showShape(dy.shape)} by order ${showShape(order.shape)} and ` +
          `ids ${showShape(ids.shape)}: leading axes differ`,
      );
    }
    return [{ shape: [vocabulary, columns], dtype: "f32" }];
  },
  launch({ inputs: [, ids, dy] }, attrs: EmbeddingBackwardAttrs, target) {
    if (!ids || !dy) return [];
    const made = sizes(ids, dy, attrs);
    const items = made.columns / itemWidth(made.columns);
    const groups = linearGroups(made.vocabulary * items, target.groups);
    return [{
      wgsl: wgslOf(made, groups),
      bindings: [{ input: 0 }, { input: 1 }, { input: 2 }, { output: 0 }],
      groups,
    }];
  },
  wasm: ({ inputs: [, ids, dy] }, attrs: EmbeddingBackwardAttrs) =>
    embeddingBackwardKernel(sizes(ids as Spec, dy as Spec, attrs)),
  reference({ inputs: [order, ids, dy], outputs: [dtable] }) {
    if (!order || !ids || !dy || !dtable) return;
    const columns = dy.shape.at(-1) ?? 1;
    dtable.data.fill(0);
    for (const position of order.data) {
      const id = ids.data[position] as number;
      for (let c = 0; c < columns; c++) {
        (dtable.data[id * columns + c] as number) += dy.data[position * columns + c] as number;
      }
    }
  },
  cost({ inputs: [, ids, dy] }, attrs: EmbeddingBackwardAttrs) {
    const { vocabulary, positions, columns } = sizes(ids as Spec, dy as Spec, attrs);
    return {
      flops: positions * columns,
      bytes: 4 * (2 * positions + positions * columns + vocabulary * columns),
      terms: positions,
    };
  },
  cases: [
    ...[1, WORKGROUP_SIZE - 1, WORKGROUP_SIZE, WORKGROUP_SIZE + 1].map((n) =>
      scatter("tile", 5, [n, 4])
    ),
    ...[1, 3, 5].map((columns) => scatter("tile", 7, [WORKGROUP_SIZE, columns])),
    scatter("tile", 1, [WORKGROUP_SIZE, 8]),
    scatter("ragged", 83, [3, 17, 20]),
    scatter("ragged", 83, [3, 17, 21]),
    scatter("bench", 128, [32, 64, 128]),
  ],
};

function scatter(kind: Case["kind"], vocabulary: number, shape: number[]): Case {
  const positions = shape.slice(0, -1);
  return {
    kind,
    inputs: [
      { shape: [sizeOf(positions)], dtype: "u32" },
      { shape: positions, dtype: "u32" },
      { shape, dtype: "f32" },
    ],
    attrs: { vocabulary },
    below: { 1: vocabulary },
    fill: ([order, ids]) => {
      if (order && ids) argsortOp.reference({ inputs: [ids], outputs: [order] }, {});
    },
  };
}
