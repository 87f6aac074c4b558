/**
 * Copies columns of new rows to given rows of a tensor, in place, as PyTorch's `index_copy_` does:
 * x [B, n, X] to rows index[0], ... index[n - 1] of whole [B, C, W]. It has no gradient.
 */
import { sameShape, showShape } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Op, Spec, Tensor, View } from "../../src/graph/types.ts";
import { linearGroups, linearHead, WORKGROUP_SIZE } from "../../src/graph/wgsl.ts";
import { indexCopyKernel } from "./shape_wasm.ts";
import { itemWgsl, itemWidth } from "../emit/rows.ts";

/** Columns `first` to `first + count - 1` of x go to columns `to` and up of the whole. */
export interface IndexCopyAttrs {
  /** First column of x. */
  readonly first: number;
  /** Number of columns. */
  readonly count: number;
  /** First column of the whole. */
  readonly to: number;
}

/**
 * Copies `count` columns of `x` f32 [B, n, X] from `first` on to rows `index` u32 [n] of `whole`
 * f32 [B, C, W], from column `to` on, in place; returns the updated whole. The caller must ensure
 * that indices are distinct and below C.
 * @throws {RangeError} when a shape does not fit, or columns exceed one of the tensors.
 */
export function indexCopy(
  whole: Tensor,
  x: Tensor,
  { index, ...attrs }: IndexCopyAttrs & { readonly index: Tensor },
): Tensor {
  return apply(indexCopyOp, [whole, x, index], attrs);
}

interface IndexCopySizes {
  readonly batch: number;
  readonly rows: number;
  readonly room: number;
  /** W and X. */
  readonly columns: readonly [number, number];
}

function sizesOf(
  [whole, x, index]: readonly Spec[],
  { first, count, to }: IndexCopyAttrs,
): IndexCopySizes {
  const [batch = 0, rows = 0, from = 0] = x?.shape ?? [];
  const [, room = 0, into = 0] = whole?.shape ?? [];
  if (x?.shape.length !== 3 || x.dtype !== "f32" || batch * rows * from === 0) {
    throw new RangeError(
      `Cannot copy rows: they must be f32 [B, n, X]: ${x?.dtype} ${showShape(x?.shape ?? [])}`,
    );
  }
  if (
    whole?.dtype !== "f32" || !sameShape(whole.shape, [batch, room, into]) || room < rows
  ) {
    throw new RangeError(
      `Cannot copy rows to ${showShape(whole?.shape ?? [])}: needs f32 [${batch}, C, W] with C, ` +
        `the room for tokens, at least ${rows}`,
    );
  }
  if (first < 0 || to < 0 || count < 1 || first + count > from || to + count > into) {
    throw new RangeError(
      `Cannot copy ${count} columns from ${first} on to ${to} on: the last axes are ${from} and ` +
        `${into}`,
    );
  }
  if (index?.dtype !== "u32" || !sameShape(index.shape, [rows])) {
    throw new RangeError(
      `Cannot copy rows: their index must be u32 [${rows}]: ${index?.dtype} ` +
        showShape(index?.shape ?? []),
    );
  }
  return { batch, rows, room, columns: [into, from] };
}

/** The op behind {@linkcode indexCopy}: inputs whole, x and index; output: the whole. */
export const indexCopyOp: Op = {
  name: "index_copy",
  shape(inputs, attrs: IndexCopyAttrs) {
    sizesOf(inputs, attrs);
    return [inputs[0] as Spec];
  },
  donate: () => [0],
  launch({ inputs }, attrs: IndexCopyAttrs, target) {
    const { batch, rows, room, columns: [into, from] } = sizesOf(inputs, attrs);
    const { first, count, to } = attrs;
    const item = [into, from, first, count, to].every((n) => itemWidth(n) === 4) ? 4 : 1;
    const items = batch * rows * count / item;
    const groups = linearGroups(items, target.groups);
    const wgsl = `${itemWgsl(item)}
@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read_write> whole: array<Item>;
${linearHead(items, groups)}
  let token = i / ${count / item}u;
  let column = i % ${count / item}u;
  let row = token / ${rows}u * ${room}u + index[token % ${rows}u];
  whole[row * ${into / item}u + ${to / item}u + column] =
    x[token * ${from / item}u + ${first / item}u + column];
}
`;
    return [{ wgsl, bindings: [{ input: 1 }, { input: 2 }, { output: 0 }], groups }];
  },
  wasm: ({ inputs }, attrs: IndexCopyAttrs) =>
    indexCopyKernel({ ...sizesOf(inputs, attrs), ...attrs }),
  reference({ inputs, outputs: [whole] }, attrs: IndexCopyAttrs) {
    const [before, x, index] = inputs as [View, View, View];
    const { batch, rows, room, columns: [into, from] } = sizesOf(inputs, attrs);
    const { first, count, to } = attrs;
    if (whole === undefined) return;
    whole.data.set(before.data);
    for (let b = 0; b < batch; b++) {
      for (let t = 0; t < rows; t++) {
        const at = (b * rows + t) * from + first;
        const row = b * room + (index.data[t] as number);
        whole.data.set(x.data.subarray(at, at + count), row * into + to);
      }
    }
  },
  cost({ inputs: [, x] }, { count }: IndexCopyAttrs) {
    const [batch = 1, rows = 1] = x?.shape ?? [];
    return { flops: 0, bytes: 8 * batch * rows * count, terms: 1 };
  },
  cases: [
    // Four columns at a time, then one.
    ...[WORKGROUP_SIZE - 1, WORKGROUP_SIZE, WORKGROUP_SIZE + 1].map((n) =>
      copied("tile", [1, n, n + 2], { columns: [8, 12], first: 4, count: 4, to: 0 })
    ),
    ...[WORKGROUP_SIZE - 1, WORKGROUP_SIZE, WORKGROUP_SIZE + 1].map((n) =>
      copied("tile", [1, n, n], { columns: [3, 2], first: 1, count: 1, to: 2 })
    ),
    copied("tile", [1, 1, 1], { columns: [1, 1], first: 0, count: 1, to: 0 }),
    ...[[3, 4, 4], [4, 3, 4], [4, 4, 3], [4, 8, 12]].map(([first = 0, count = 1, to = 0]) =>
      copied("tile", [2, 3, 7], { columns: [28, 16], first, count, to })
    ),
    copied("ragged", [3, 5, 19], { columns: [11, 17], first: 6, count: 9, to: 1 }),
    copied("ragged", [3, 5, 19], { columns: [24, 36], first: 12, count: 24, to: 0 }),
    copied("bench", [8, 64, 256], { columns: [256, 384], first: 128, count: 256, to: 0 }),
  ],
};

/** B, n and C; `columns` are W and X. Rows are written from the last one of the whole down. */
function copied(
  kind: Case["kind"],
  [batch, rows, room]: readonly [number, number, number],
  { columns: [into, from], ...attrs }: IndexCopyAttrs & { columns: readonly [number, number] },
): Case {
  return {
    kind,
    inputs: [
      { shape: [batch, room, into], dtype: "f32" },
      { shape: [batch, rows, from], dtype: "f32" },
      { shape: [rows], dtype: "u32" },
    ],
    attrs,
    fill: ([, , index]) =>
      index?.data.set(Uint32Array.from({ length: rows }, (_, i) => room - 1 - i)),
  };
}
