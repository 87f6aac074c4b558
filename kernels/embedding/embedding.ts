/**
 * Embedding lookup: table [V, D], ids u32 [...] -> [..., D]. The caller must ensure that ids are
 * below V. The gradient adds rows in the order of argsorted ids, so it is deterministic.
 */
import { showShape, sizeOf } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Grad, Io, Launch, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { linearGroups, linearHead, WORKGROUP_SIZE } from "../../src/graph/wgsl.ts";
import { embeddingBackwardOp } from "./embedding_backward.ts";
import { embeddingKernel } from "./embedding_wasm.ts";
import { itemWgsl, itemWidth } from "../emit/rows.ts";
import { argsort } from "./argsort.ts";

/**
 * Rows of `table` f32 [V, D] for `ids` u32 [...]: f32 [..., D].
 * @throws {RangeError} when the table has not two axes or ids are not u32.
 */
export function embedding(table: Tensor, ids: Tensor): Tensor {
  return apply(embeddingOp, [table, ids]);
}

function wgslOf(n: number, columns: number, groups: Launch["groups"]): string {
  const items = columns / itemWidth(columns);
  return `${itemWgsl(itemWidth(columns))}
@group(0) @binding(0) var<storage, read> table: array<Item>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<Item>;
${linearHead(n * items, groups)}
  y[i] = table[ids[i / ${items}u] * ${items}u + i % ${items}u];
}
`;
}

function vjp({ inputs: [table, ids] }: Io<Tensor>, [dy]: readonly Grad[]): readonly Grad[] {
  if (!table || !ids || !dy) return [];
  const vocabulary = table.shape[0] as number;
  return [apply(embeddingBackwardOp, [argsort(ids), ids, dy], { vocabulary })];
}

/** The op behind {@linkcode embedding}. */
export const embeddingOp: Op = {
  name: "embedding",
  shape([table, ids]) {
    if (!table || !ids) throw new RangeError("Cannot take an embedding: it takes two inputs");
    if (table.shape.length !== 2) {
      throw new RangeError(
        `Cannot take an embedding from ${showShape(table.shape)}: a table has 2 axes`,
      );
    }
    if (ids.dtype !== "u32") throw new RangeError("Cannot take an embedding: ids must be u32");
    return [{ shape: [...ids.shape, table.shape[1] as number], dtype: "f32" }];
  },
  launch({ inputs: [table, ids] }, _, target) {
    if (!table || !ids) return [];
    const [n, columns] = [sizeOf(ids.shape), table.shape[1] as number];
    const groups = linearGroups(n * columns / itemWidth(columns), target.groups);
    return [{
      wgsl: wgslOf(n, columns, groups),
      bindings: [{ input: 0 }, { input: 1 }, { output: 0 }],
      groups,
    }];
  },
  wasm: ({ inputs: [table, ids] }) => {
    const [vocabulary = 0, columns = 0] = (table as Spec).shape;
    return embeddingKernel({ vocabulary, positions: sizeOf((ids as Spec).shape), columns });
  },
  reference({ inputs: [table, ids], outputs: [y] }) {
    if (!table || !ids || !y) return;
    const columns = table.shape[1] as number;
    ids.data.forEach((id: number, row: number) => {
      y.data.set(table.data.subarray(id * columns, (id + 1) * columns), row * columns);
    });
  },
  cost({ inputs: [, ids], outputs: [y] }) {
    const n = sizeOf(y?.shape ?? []);
    return { flops: 0, bytes: 4 * (2 * n + sizeOf(ids?.shape ?? [])), terms: 1 };
  },
  vjp,
  cases: [
    ...[1, WORKGROUP_SIZE - 1, WORKGROUP_SIZE, WORKGROUP_SIZE + 1].map((n) =>
      lookup("tile", [5, 4], [n])
    ),
    ...[1, 3, 5].map((columns) => lookup("tile", [7, columns], [WORKGROUP_SIZE])),
    lookup("ragged", [83, 20], [3, 17]),
    lookup("ragged", [83, 21], [3, 17]),
    lookup("bench", [128, 128], [32, 64]),
  ],
};

function lookup(kind: Case["kind"], table: number[], ids: number[]): Case {
  const inputs: Spec[] = [{ shape: table, dtype: "f32" }, { shape: ids, dtype: "u32" }];
  return { kind, inputs, attrs: {}, below: { 1: table[0] as number } };
}
