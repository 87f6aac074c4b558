/**
 * Products of matrices in pairs, with an elementwise epilogue: a [..., M, K] by b [..., K, N] ->
 * [..., M, N].
 */
import { ceilDiv, sameShape, showShape, sizeOf } from "../../src/base/shape.ts";
import type { Expr, Formula } from "../../src/graph/formula.ts";
import { add, formula, mul, tanh } from "../../src/graph/formula.ts";
import { apply } from "../../src/graph/trace.ts";
import type {
  Case,
  Grad,
  Io,
  Launch,
  Op,
  Spec,
  Target,
  Tensor,
  View,
} from "../../src/graph/types.ts";
import { range } from "../emit/range.ts";
import { absorbEpilogue, epilogueStore, IDENTITY } from "./epilogue.ts";
import { chooseMatmul, variantsOf } from "./matmul_choice.ts";
import type { Product } from "./matmul_choice.ts";
import { printProduct } from "./matmul_print.ts";
import type { Tiling } from "./matmul_wgsl.ts";
import { productKernel } from "./wasm/product.ts";

/** Attributes of a product of pairs. */
export interface BatchedMatmulAttrs {
  /** The matrices of a are stored transposed: [..., K, M]. */
  readonly ta?: boolean;
  /** The matrices of b are stored transposed: [..., N, K]. */
  readonly tb?: boolean;
  /** Applied to (sum, extra inputs...) of each element before it is stored. */
  readonly epilogue?: Formula;
}

/**
 * Products op(a) op(b) of the matrices in the last two axes: f32 [..., M, K] by f32 [..., K, N] gives
 * f32 [..., M, N]. @throws {RangeError} when leading axes or inner sizes differ.
 */
export function batchedMatmul(a: Tensor, b: Tensor, attrs: BatchedMatmulAttrs = {}): Tensor {
  return apply(batchedMatmulOp, [a, b], attrs);
}

/** Sizes of one product, and the number of products. */
function sizes(
  { inputs: [a, b] }: Pick<Io<Spec>, "inputs">,
  { ta = false, tb = false }: BatchedMatmulAttrs,
): Product & { count: number } {
  const [left, right] = [a?.shape ?? [], b?.shape ?? []];
  const [[a0 = 0, a1 = 0], [b0 = 0, b1 = 0]] = [left.slice(-2), right.slice(-2)];
  const leading = left.slice(0, -2);
  const inner = [ta ? a0 : a1, tb ? b1 : b0];
  const refuse = (why: string) => {
    throw new RangeError(
      `Cannot batched_matmul ${showShape(left)}${ta ? " transposed" : ""} by ` +
        `${showShape(right)}${tb ? " transposed" : ""}: ${why}`,
    );
  };
  if (left.length < 2 || right.length < 2) refuse("need two inputs of [..., M, K] and [..., K, N]");
  if (!sameShape(leading, right.slice(0, -2))) refuse("leading axes differ");
  if (inner[0] !== inner[1]) refuse(`inner sizes are ${inner.join(" and ")}`);
  return {
    m: ta ? a1 : a0,
    n: tb ? b0 : b1,
    k: inner[0] as number,
    ta,
    tb,
    count: sizeOf(leading),
  };
}

/** The tiling of one product. Blocked kernels have no batched form: the others take their place. */
export function batchedTilingOf(product: Product, target: Target): Tiling {
  const { tiling } = chooseMatmul(product, target);
  if (tiling.steps === undefined) return tiling;
  const others = variantsOf(product, target).filter((v) => v.tiling.steps === undefined);
  return others.at(-1)?.tiling as Tiling;
}

function reference(io: Io<View>, attrs: BatchedMatmulAttrs): void {
  const { inputs: [a, b] } = io;
  const { m, n, k, ta, tb, count } = sizes(io, attrs);
  if (!a || !b) return;
  const store = epilogueStore(io, attrs.epilogue);
  const [am, ak] = ta ? [1, m] : [k, 1];
  const [bk, bn] = tb ? [1, k] : [n, 1];
  for (let at = 0; at < count * m * n; at++) {
    const [batch, row, column] = [Math.floor(at / (m * n)), Math.floor(at / n) % m, at % n];
    let sum = 0;
    for (let i = 0; i < k; i++) {
      const left = a.data[batch * m * k + row * am + i * ak] as number;
      sum += left * (b.data[batch * k * n + i * bk + column * bn] as number);
    }
    store(at, sum);
  }
}

function vjp(
  { inputs: [a, b] }: Io<Tensor>,
  [dy]: readonly Grad[],
  { ta = false, tb = false, epilogue }: BatchedMatmulAttrs,
): readonly Grad[] {
  if (!a || !b || !dy) return [];
  if (epilogue !== undefined) {
    throw new RangeError("Cannot differentiate batched_matmul: a fused epilogue has no vjp");
  }
  return [
    ta ? batchedMatmul(b, dy, { ta: tb, tb: true }) : batchedMatmul(dy, b, { tb: !tb }),
    tb ? batchedMatmul(dy, a, { ta: true, tb: ta }) : batchedMatmul(a, dy, { ta: !ta }),
  ];
}

/** The op behind {@linkcode batchedMatmul}. */
export const batchedMatmulOp: Op = {
  name: "batched_matmul",
  shape(inputs, attrs: BatchedMatmulAttrs) {
    const { m, n } = sizes({ inputs }, attrs);
    const shape = [...inputs[0]?.shape.slice(0, -2) ?? [], m, n];
    return (attrs.epilogue ?? IDENTITY).outputs.map(() => ({ shape, dtype: "f32" }));
  },
  launch(io, attrs: BatchedMatmulAttrs, target) {
    const { count, ...product } = sizes(io, attrs);
    const tiling = batchedTilingOf(product, target);
    const { tile: [tm, tn], group: [gx, gy] } = tiling;
    const [x, y] = [ceilDiv(product.n, tn * gx), ceilDiv(product.m, tm * gy)];
    // One dispatch has at most `target.groups` pairs.
    return range(ceilDiv(count, target.groups)).map((part): Launch => {
      const first = part * target.groups;
      const batch = first === 0 ? "wid.z" : `(wid.z + ${first}u)`;
      const kernel = { ...product, ...tiling, onto: false, batch };
      return {
        wgsl: printProduct(io, attrs.epilogue ?? IDENTITY, kernel),
        bindings: [
          ...io.inputs.map((_, input) => ({ input })),
          ...io.outputs.map((_, output) => ({ output })),
        ],
        groups: [x, y, Math.min(target.groups, count - first)],
      };
    });
  },
  wasm: (io, attrs: BatchedMatmulAttrs, target) => {
    const { count, ...product } = sizes(io, attrs);
    return productKernel({ product, count, io, epilogue: attrs.epilogue, onto: false }, target);
  },
  reference,
  cost(io, attrs: BatchedMatmulAttrs) {
    const { m, n, k, count } = sizes(io, attrs);
    const bytes = [...io.inputs, ...io.outputs].reduce((sum, t) => sum + 4 * sizeOf(t.shape), 0);
    return { flops: 2 * count * m * n * k, bytes, terms: k + 64 };
  },
  vjp,
  absorb: (call, next, keep) => absorbEpilogue(batchedMatmulOp, call, { next, keep }),
  cases: batchedCases(),
};

function batchedCases(): Case[] {
  const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });
  const epilogue = formula(3, (sum, bias, other) => {
    const z = add(sum as Expr, bias as Expr);
    return [z, mul(z, tanh(other as Expr))];
  });
  const pairs = (kind: Case["kind"], leading: number[], [m, n, k]: [number, number, number]) =>
    [[false, false], [true, false], [false, true], [true, true]].map(([ta, tb]): Case => ({
      kind,
      inputs: [
        f32(...leading, ...ta ? [k, m] : [m, k]),
        f32(...leading, ...tb ? [n, k] : [k, n]),
      ],
      attrs: { ta, tb },
    }));
  return [
    ...[1, 15, 16].flatMap((size) => pairs("tile", [3], [size, size, size]).slice(0, 1)),
    ...pairs("tile", [3], [17, 17, 17]),
    ...[127, 128].flatMap((size) => pairs("tile", [2], [size, size, 20])),
    ...pairs("ragged", [2, 3], [9, 20, 12]),
    ...pairs("ragged", [5], [7, 11, 6]),
    // Few rows and long sums: GPUs slice K.
    ...pairs("ragged", [4], [5, 12, 132]),
    { kind: "ragged", inputs: [f32(3, 4), f32(4, 5)], attrs: {} },
    ...[[20, 9, 12], [5, 7, 6]].flatMap(([n = 1, m = 1, k = 1]) =>
      [[m, n], [2, m, 1]].map((extra): Case => ({
        kind: "ragged",
        inputs: [f32(2, m, k), f32(2, k, n), f32(n), f32(...extra)],
        attrs: { epilogue },
      }))
    ),
    ...pairs("bench", [16], [64, 64, 64]).slice(0, 1),
  ];
}
