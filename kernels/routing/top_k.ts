/** The columns of the k largest values of each row, the lower column first among equal ones. */
import { showShape, sizeOf } from "../../src/base/shape.ts";
import type { Case, Launch, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { linearGroups, linearHead, WORKGROUP_SIZE } from "../../src/graph/wgsl.ts";
import { topKKernel, type TopKSizes } from "./routing_wasm.ts";

/** `count`: columns K to choose per row. */
export interface TopKAttrs {
  readonly count: number;
}

/**
 * Columns of the `count` largest values of the rows of `x` f32 [..., E], largest first, the lower
 * column first among equal values: u32 [..., K], and the same as elements of x (row * E + column).
 * NaN is never chosen; where too few values are left, the column is 0.
 * @throws {RangeError} when K is not in [1, E].
 */
export function topK(x: Tensor, { count }: TopKAttrs): [columns: Tensor, elements: Tensor] {
  return x.trace.apply(topKOp, [x], { count }) as unknown as [Tensor, Tensor];
}

function sizes(x: Spec, { count }: TopKAttrs): TopKSizes {
  const columns = x.shape.at(-1) ?? 1;
  return { rows: sizeOf(x.shape) / columns, columns, count };
}

/**
 * One row per invocation. A pass finds the best value behind that of the pass before, in the order of
 * (value, column).
 */
function wgslOf({ rows, columns, count }: TopKSizes, groups: Launch["groups"]): string {
  return `@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> chosen: array<u32>;
@group(0) @binding(2) var<storage, read_write> elements: array<u32>;
${linearHead(rows, groups)}
  var last = 0.0f;
  var taken = 0u;
  for (var k = 0u; k < ${count}u; k++) {
    var best = 0.0f;
    var column = 0u;
    var found = false;
    for (var c = 0u; c < ${columns}u; c++) {
      let value = x[i * ${columns}u + c];
      let behind = k == 0u || value < last || (value == last && c > taken);
      if (behind && value == value && (!found || value > best)) {
        best = value;
        column = c;
        found = true;
      }
    }
    last = best;
    taken = column;
    chosen[i * ${count}u + k] = column;
    elements[i * ${count}u + k] = i * ${columns}u + column;
  }
}
`;
}

/** The op behind {@linkcode topK}. */
export const topKOp: Op = {
  name: "top_k",
  shape([x], { count }: TopKAttrs) {
    const columns = x?.shape.at(-1) ?? 0;
    if (x?.dtype !== "f32" || !Number.isInteger(count) || count < 1 || count > columns) {
      throw new RangeError(
        `Cannot top_k ${showShape(x?.shape ?? [])}: need f32 and 1 to ${columns} columns: ${count}`,
      );
    }
    const spec: Spec = { shape: [...x.shape.slice(0, -1), count], dtype: "u32" };
    return [spec, spec];
  },
  launch({ inputs: [x] }, attrs: TopKAttrs, target) {
    const made = sizes(x as Spec, attrs);
    const groups = linearGroups(made.rows, target.groups);
    return [{
      wgsl: wgslOf(made, groups),
      bindings: [{ input: 0 }, { output: 0 }, { output: 1 }],
      groups,
    }];
  },
  wasm: ({ inputs: [x] }, attrs: TopKAttrs) => topKKernel(sizes(x as Spec, attrs)),
  reference({ inputs: [x], outputs: [chosen, elements] }, attrs: TopKAttrs) {
    if (!x || !chosen || !elements) return;
    const { rows, columns, count } = sizes(x, attrs);
    for (let row = 0; row < rows; row++) {
      const at = (column: number) => x.data[row * columns + column] as number;
      const left = Array.from({ length: columns }, (_, column) => column)
        .filter((column) => !Number.isNaN(at(column)))
        .sort((a, b) => at(a) === at(b) ? a - b : at(a) > at(b) ? -1 : 1);
      for (let k = 0; k < count; k++) {
        const column = left[k] ?? 0;
        chosen.data[row * count + k] = column;
        elements.data[row * count + k] = row * columns + column;
      }
    }
  },
  cost({ inputs: [x] }, { count }: TopKAttrs) {
    const n = sizeOf(x?.shape ?? []);
    return { flops: n * count, bytes: 4 * n, terms: 1 };
  },
  // The choice is constant almost everywhere.
  vjp: () => [],
  cases: [
    ...[WORKGROUP_SIZE - 1, WORKGROUP_SIZE, WORKGROUP_SIZE + 1].map((rows) =>
      choice("tile", 2, rows, 8)
    ),
    choice("tile", 1, 5, 1),
    choice("tile", 3, 9, 3),
    choice("ragged", 4, 3, 7, 5),
    ties("ragged", 3, 40, 6),
    choice("bench", 2, 4096, 8),
  ],
};

function choice(kind: Case["kind"], count: number, ...shape: number[]): Case {
  return { kind, inputs: [{ shape, dtype: "f32" }], attrs: { count } };
}

/** Few distinct values, so that most rows have equal ones. */
function ties(kind: Case["kind"], count: number, ...shape: number[]): Case {
  return {
    ...choice(kind, count, ...shape),
    fill: ([x]) => x?.data.forEach((value, i) => x.data[i] = Math.round(value)),
  };
}
