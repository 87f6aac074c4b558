/**
 * Products of tiles of rows, each by the matrix of its group: x f32 [P, K], w f32 [G, K, N], groups
 * u32 [P / tile] -> f32 [P, N].
 */
import { ceilDiv, showShape } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Grad, Io, Launch, Op, Spec, Tensor, View } from "../../src/graph/types.ts";
import { I32 } from "../../src/wasm/values.ts";
import { range } from "../emit/range.ts";
import { IDENTITY } from "../matmul/epilogue.ts";
import { batchedTilingOf, type Product } from "../matmul/mod.ts";
import { printProduct } from "../matmul/matmul_print.ts";
import { productKernel } from "../matmul/wasm/product.ts";
import { groupedMatmulBackwardOp } from "./grouped_matmul_backward.ts";

/** Attributes of a product by groups. */
export interface GroupedMatmulAttrs {
  /** The matrices of w are stored transposed: [G, N, K]. */
  readonly tb?: boolean;
}

/**
 * Rows of `x` f32 [P, K] by the matrices of their groups: tile t, of P / size(groups) rows, by matrix
 * groups[t] of `w` f32 [G, K, N]. Groups u32 [tiles] must ascend, and be below G.
 * @throws {RangeError} when inner sizes differ or groups do not divide the rows.
 */
export function groupedMatmul(
  x: Tensor,
  { w, groups, ...attrs }: GroupedMatmulAttrs & { readonly w: Tensor; readonly groups: Tensor },
): Tensor {
  return apply(groupedMatmulOp, [x, w, groups], attrs);
}

/** The product of one tile, the number of tiles, and that of matrices. */
function sizes(
  { inputs: [x, w, groups] }: Pick<Io<Spec>, "inputs">,
  { tb = false }: GroupedMatmulAttrs,
): Product & { readonly count: number; readonly matrices: number } {
  const [rows = 0, k = 0] = x?.shape ?? [];
  const [matrices = 0, w1 = 0, w2 = 0] = w?.shape ?? [];
  const [count = 0] = groups?.shape ?? [];
  const [inner, n] = tb ? [w2, w1] : [w1, w2];
  const fits = x?.shape.length === 2 && w?.shape.length === 3 && groups?.shape.length === 1;
  if (!fits || groups.dtype !== "u32" || inner !== k || rows % count !== 0) {
    const shapes = [x, w, groups].map((spec) => showShape(spec?.shape ?? [])).join(" ");
    throw new RangeError(
      `Cannot grouped_matmul ${shapes}${tb ? " transposed" : ""}: need x [P, K], w [G, K, N] and ` +
        "groups u32 [T] with T a divisor of P",
    );
  }
  return { m: rows / count, n, k, ta: false, tb, count, matrices };
}

function reference(io: Io<View>, attrs: GroupedMatmulAttrs): void {
  const { inputs: [x, w, groups], outputs: [y] } = io;
  if (!x || !w || !groups || !y) return;
  const { m, n, k, tb, matrices } = sizes(io, attrs);
  const [wk, wn] = tb ? [1, k] : [n, 1];
  for (let row = 0; row < x.data.length / k; row++) {
    const group = Math.min(groups.data[Math.floor(row / m)] as number, matrices - 1);
    for (let column = 0; column < n; column++) {
      let sum = 0;
      for (let i = 0; i < k; i++) {
        const right = w.data[group * k * n + i * wk + column * wn] as number;
        sum += (x.data[row * k + i] as number) * right;
      }
      y.data[row * n + column] = sum;
    }
  }
}

function vjp(
  { inputs: [x, w, groups] }: Io<Tensor>,
  [dy]: readonly Grad[],
  { tb = false }: GroupedMatmulAttrs,
): readonly Grad[] {
  if (!x || !w || !groups || !dy) return [];
  const pair = tb ? [dy, x] : [x, dy];
  return [
    groupedMatmul(dy, { w, groups, tb: !tb }),
    apply(groupedMatmulBackwardOp, [...pair, groups], { matrices: w.shape[0] as number }),
  ];
}

/** The op behind {@linkcode groupedMatmul}. */
export const groupedMatmulOp: Op = {
  name: "grouped_matmul",
  shape(inputs, attrs: GroupedMatmulAttrs) {
    const { m, n, count } = sizes({ inputs }, attrs);
    return [{ shape: [m * count, n], dtype: "f32" }];
  },
  launch(io, attrs: GroupedMatmulAttrs, target) {
    const { count, matrices, ...product } = sizes(io, attrs);
    const tiling = batchedTilingOf(product, target);
    const { tile: [tm, tn], group: [gx, gy] } = tiling;
    const [x, y] = [ceilDiv(product.n, tn * gx), ceilDiv(product.m, tm * gy)];
    const pair = { inputs: io.inputs.slice(0, 2), outputs: io.outputs };
    // One dispatch has at most `target.groups` tiles.
    return range(ceilDiv(count, target.groups)).map((part): Launch => {
      const first = part * target.groups;
      const batch = first === 0 ? "wid.z" : `(wid.z + ${first}u)`;
      const batchB = `min(groups[${batch}], ${matrices - 1}u)`;
      const kernel = { ...product, ...tiling, onto: false, batch, batchB };
      return {
        wgsl: `${printProduct(pair, IDENTITY, kernel)}
@group(0) @binding(3) var<storage, read> groups: array<u32>;
`,
        bindings: [{ input: 0 }, { input: 1 }, { output: 0 }, { input: 2 }],
        groups: [x, y, Math.min(target.groups, count - first)],
      };
    });
  },
  wasm: (io, attrs: GroupedMatmulAttrs, target) => {
    const { count, matrices, ...product } = sizes(io, attrs);
    return productKernel({
      product,
      count,
      io: { inputs: io.inputs.slice(0, 2), outputs: io.outputs },
      epilogue: undefined,
      onto: false,
      choice: {
        of: (b, { inputs: [, , groups] }, tile) =>
          groups === undefined
            ? I32.of(0)
            : b.loadIndex(b.letPointer(b.at(groups, tile.times(4))), matrices),
        what: "b",
        count: matrices,
      },
    }, target);
  },
  reference,
  cost(io, attrs: GroupedMatmulAttrs) {
    const { m, n, k, count, matrices } = sizes(io, attrs);
    const words = count * m * (k + n) + matrices * k * n;
    return { flops: 2 * count * m * n * k, bytes: 4 * words, terms: k + 64 };
  },
  vjp,
  cases: [
    ...[false, true].flatMap((tb) => [
      groupedCase("tile", { tb }, { tiles: 3, m: 6, k: 16, n: 16, matrices: 2 }),
      groupedCase("tile", { tb }, { tiles: 2, m: 48, k: 17, n: 15, matrices: 3 }),
      groupedCase("ragged", { tb }, { tiles: 4, m: 24, k: 20, n: 37, matrices: 3 }),
      groupedCase("ragged", { tb }, { tiles: 1, m: 1, k: 3, n: 5, matrices: 4 }),
    ]),
    groupedCase("ragged", {}, { tiles: 2, m: 24, k: 300, n: 12, matrices: 2 }),
    groupedCase("bench", {}, { tiles: 48, m: 48, k: 64, n: 256, matrices: 8 }),
  ],
};

function groupedCase(
  kind: Case["kind"],
  attrs: GroupedMatmulAttrs,
  { tiles, m, k, n, matrices }: Record<"tiles" | "m" | "k" | "n" | "matrices", number>,
): Case {
  return {
    kind,
    inputs: [
      { shape: [tiles * m, k], dtype: "f32" },
      { shape: attrs.tb ? [matrices, n, k] : [matrices, k, n], dtype: "f32" },
      { shape: [tiles], dtype: "u32" },
    ],
    attrs,
    below: { 2: matrices },
    fill: ([, , groups]) => groups?.data.sort(),
  };
}
