/**
 * Sum over rows: [..., C], viewed as [R, C], -> [C]. Two stages with fixed strips, so that the
 * result is deterministic. It is the gradient of a bias and of every broadcast.
 */
import { ceilDiv, showShape, sizeOf } from "../../src/base/shape.ts";
import type { Op, Spec } from "../../src/graph/types.ts";
import { linearGroups, linearHead, WORKGROUP_SIZE } from "../../src/graph/wgsl.ts";
import { columnSumKernel } from "./sums_wasm.ts";
import { itemWgsl, itemWidth } from "../emit/rows.ts";

/** `columns` C: the trailing axes to keep; if their size is 1, all elements are summed. */
export interface ColumnSumAttrs {
  readonly columns: readonly number[];
}

/** Rows per invocation of the first stage. */
const STRIP = 64;
/** Rows per loop iteration when unrolled. */
const ROWS = 8;

function sizes(input: Spec, { columns }: ColumnSumAttrs): { rows: number; cols: number } {
  const cols = sizeOf(columns);
  return { rows: sizeOf(input.shape) / cols, cols };
}

/** One stage: an invocation adds the rows of a strip in one item of columns. */
function stageWgsl(
  { rows, cols, strips }: { rows: number; cols: number; strips: number },
  groups: readonly [number, number, number],
): string {
  const items = cols / itemWidth(cols);
  const strip = ceilDiv(rows, strips);
  const at = (r: string) => `x[(${r}) * ${items}u + item]`;
  // Loop iterations are expensive on software drivers: full strips are unrolled by eight rows.
  const unroll = rows % strips === 0 && strip % ROWS === 0 ? ROWS : 1;
  const adds = Array.from({ length: unroll }, (_, i) => `total += ${at(`r + ${i}u`)};`);
  return `${itemWgsl(itemWidth(cols))}
@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read_write> y: array<Item>;
${linearHead(strips * items, groups)}
  let item = i % ${items}u;
  let first = (i / ${items}u) * ${strip}u;
  let last = min(first + ${strip}u, ${rows}u);
  var total = Item();
  for (var r = first; r < last; r += ${unroll}u) { ${adds.join(" ")} }
  y[i] = total;
}
`;
}

/** The op: outputs are the sum [C] and its partial sums [strips, C]. */
export const columnSum: Op = {
  name: "column_sum",
  shape([x], { columns }: ColumnSumAttrs) {
    const tail = x?.shape.slice(x.shape.length - columns.length) ?? [];
    const total = sizeOf(columns) === 1;
    if (x === undefined || (!total && showShape(tail) !== showShape(columns))) {
      throw new RangeError(
        `Cannot sum ${showShape(x?.shape ?? [])} to ${showShape(columns)}: trailing axes differ`,
      );
    }
    const { rows, cols } = sizes(x, { columns });
    return [
      { shape: columns, dtype: "f32" },
      { shape: [ceilDiv(rows, STRIP), cols], dtype: "f32" },
    ];
  },
  launch({ inputs, outputs }, attrs: ColumnSumAttrs, target) {
    const { rows, cols } = sizes(inputs[0] as Spec, attrs);
    const strips = outputs[1]?.shape[0] as number;
    const items = cols / itemWidth(cols);
    const first = linearGroups(strips * items, target.groups);
    const second = linearGroups(items, target.groups);
    return [
      {
        wgsl: stageWgsl({ rows, cols, strips }, first),
        bindings: [{ input: 0 }, { output: 1 }],
        groups: first,
      },
      {
        wgsl: stageWgsl({ rows: strips, cols, strips: 1 }, second),
        bindings: [{ output: 1 }, { output: 0 }],
        groups: second,
      },
    ];
  },
  wasm: ({ inputs: [x], outputs: [, partial] }, attrs: ColumnSumAttrs) => {
    const { rows, cols } = sizes(x as Spec, attrs);
    const strip = ceilDiv(rows, partial?.shape[0] as number);
    return columnSumKernel({ rows, columns: cols, strip });
  },
  reference({ inputs: [x], outputs: [y, partial] }, attrs: ColumnSumAttrs) {
    if (!x || !y || !partial) return;
    const { rows, cols } = sizes(x, attrs);
    const strip = ceilDiv(rows, partial.shape[0] as number);
    partial.data.fill(0);
    y.data.fill(0);
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < cols; c++) {
        const value = x.data[r * cols + c] as number;
        (partial.data[Math.floor(r / strip) * cols + c] as number) += value;
        (y.data[c] as number) += value;
      }
    }
  },
  cost({ inputs, outputs }, attrs: ColumnSumAttrs) {
    const { rows, cols } = sizes(inputs[0] as Spec, attrs);
    const partials = sizeOf(outputs[1]?.shape ?? []);
    return { flops: rows * cols, bytes: 4 * (rows * cols + 2 * partials + cols), terms: rows };
  },
  cases: [
    ...[1, STRIP - 1, STRIP, STRIP + 1].map((rows) => ({
      kind: "tile" as const,
      inputs: [{ shape: [rows, WORKGROUP_SIZE], dtype: "f32" as const }],
      attrs: { columns: [WORKGROUP_SIZE] },
    })),
    {
      kind: "ragged",
      inputs: [{ shape: [3, 67, 5, 7], dtype: "f32" }],
      attrs: { columns: [5, 7] },
    },
    { kind: "bench", inputs: [{ shape: [4096, 512], dtype: "f32" }], attrs: { columns: [512] } },
  ],
};
