/**
 * Matrix product with transposes and an elementwise epilogue: y = f(op(a) op(b), extra...). Leading
 * axes of a are flattened into rows. Plan compilation fuses biases, activations, dropout and
 * residuals as the epilogue (`absorb`). `onto` accumulates into an input in place: a product whose
 * K arrives in chunks then has the bits of the whole product, except in kernels that slice K.
 */
import { ceilDiv, showShape, sizeOf } from "../../src/base/shape.ts";
import type { Formula } from "../../src/graph/formula.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Call, Grad, Io, Launch, Op, Spec, Tensor, View } from "../../src/graph/types.ts";
import { absorbEpilogue, epilogueStore, IDENTITY } from "./epilogue.ts";
import { matmulCases } from "./matmul_cases.ts";
import { chooseMatmul } from "./matmul_choice.ts";
import type { Product } from "./matmul_choice.ts";
import { printProduct } from "./matmul_print.ts";
import type { Tiling } from "./matmul_wgsl.ts";
import { productKernel } from "./wasm/product.ts";

/** Attributes of a matrix product; `epilogue` and `onto` exclude each other. */
export interface MatmulAttrs {
  /** a is stored transposed: [K, M]. */
  readonly ta?: boolean;
  /** b is stored transposed: [N, K]. */
  readonly tb?: boolean;
  /** Applied to (sum, extra inputs...) of each element before it is stored. */
  readonly epilogue?: Formula;
  /** Accumulates into input 2 in place: each sum starts from its value there. */
  readonly onto?: boolean;
}

function sizes(a: Spec, b: Spec, { ta = false, tb = false }: MatmulAttrs): Product {
  const split = ({ shape }: Spec): [number, number] => {
    const last = shape.at(-1) ?? 1;
    return [sizeOf(shape) / last, last];
  };
  const [a0, a1] = split(a);
  const [b0, b1] = split(b);
  const inner = [ta ? a0 : a1, tb ? b1 : b0];
  if (inner[0] !== inner[1]) {
    throw new RangeError(
      `Cannot matmul ${showShape(a.shape)}${ta ? " transposed" : ""} by ` +
        `${showShape(b.shape)}${tb ? " transposed" : ""}: inner sizes are ${inner.join(" and ")}`,
    );
  }
  return { m: ta ? a1 : a0, n: tb ? b0 : b1, k: ta ? a0 : a1, ta, tb };
}

function reference(io: Io<View>, attrs: MatmulAttrs): void {
  const { inputs: [a, b], outputs: [y] } = io;
  if (!a || !b || !y) return;
  const { m, n, k } = sizes(a, b, attrs);
  const store = epilogueStore(io, attrs.epilogue);
  const [am, ak] = attrs.ta ? [1, m] : [k, 1];
  const [bk, bn] = attrs.tb ? [1, k] : [n, 1];
  for (let row = 0; row < m; row++) {
    for (let col = 0; col < n; col++) {
      let sum = attrs.onto ? y.data[row * n + col] as number : 0;
      for (let i = 0; i < k; i++) {
        sum += (a.data[row * am + i * ak] as number) * (b.data[i * bk + col * bn] as number);
      }
      store(row * n + col, sum);
    }
  }
}

function vjp({ inputs: [a, b] }: Io<Tensor>, [dy]: readonly Grad[], attrs: MatmulAttrs): Grad[] {
  if (!a || !b || !dy) return [];
  const { ta = false, tb = false, epilogue, onto } = attrs;
  if (onto || epilogue !== undefined || b.shape.length !== 2 || (ta && a.shape.length !== 2)) {
    throw new RangeError("Cannot differentiate matmul: only a plain product by a matrix has a vjp");
  }
  const da = ta ? matmul(b, dy, { ta: tb, tb: true }) : matmul(dy, b, { tb: !tb });
  const db = tb ? matmul(dy, a, { ta: true, tb: ta }) : matmul(a, dy, { ta: !ta });
  return [da, db];
}

/**
 * Matrix product op(a) op(b): f32 [..., K] by [K, N] gives f32 [..., N].
 * @throws {RangeError} when inner sizes differ, or `onto` comes with an epilogue.
 */
export function matmul(a: Tensor, b: Tensor, attrs: MatmulAttrs = {}): Tensor {
  return apply(matmulOp, [a, b], attrs);
}

/** Adds the product of `call` to `sum` in place; undefined unless `call` is a plain matmul. */
export function addProduct(sum: Tensor, { op, attrs, inputs }: Call<Tensor>): Tensor | undefined {
  const [a, b] = inputs;
  const isPlain = op === matmulOp && attrs.epilogue === undefined && !attrs.onto;
  return isPlain && a && b ? apply(matmulOp, [a, b, sum], { ...attrs, onto: true }) : undefined;
}

/** Sizes and transposes of a call. @throws {RangeError} when inner sizes differ. */
export function productOf({ inputs: [a, b] }: Io<Spec>, attrs: MatmulAttrs): Product {
  return sizes(a as Spec, b as Spec, attrs);
}

/** The dispatch of a call with a given tiling, for benches and tests that compare tilings. */
export function launchMatmul(io: Io<Spec>, attrs: MatmulAttrs, tiling: Tiling): Launch[] {
  const product = productOf(io, attrs);
  const { epilogue = IDENTITY, onto = false } = attrs;
  const { tile: [tm, tn], group: [gx, gy] } = tiling;
  // The accumulator is bound once, as the output: it is read and written there.
  const inputs = onto ? io.inputs.slice(0, 2) : io.inputs;
  const kernel = { ...product, ...tiling, onto };
  return [{
    wgsl: printProduct({ ...io, inputs }, epilogue, kernel),
    bindings: [
      ...inputs.map((_, input) => ({ input })),
      ...io.outputs.map((_, output) => ({ output })),
    ],
    groups: [ceilDiv(product.n, tn * gx), ceilDiv(product.m, tm * gy), 1],
  }];
}

/** The op behind {@linkcode matmul}. */
export const matmulOp: Op = {
  name: "matmul",
  shape([a, b, sum], attrs: MatmulAttrs) {
    if (!a || !b) throw new RangeError("Cannot matmul: it takes two inputs");
    const { m, n } = sizes(a, b, attrs);
    const shape = attrs.ta ? [m, n] : [...a.shape.slice(0, -1), n];
    if (attrs.onto && (attrs.epilogue !== undefined || sizeOf(sum?.shape ?? []) !== m * n)) {
      throw new RangeError(
        `Cannot matmul onto ${showShape(sum?.shape ?? [])}: needs a sum of ${showShape(shape)} ` +
          "and no epilogue",
      );
    }
    return (attrs.epilogue ?? IDENTITY).outputs.map(() => ({ shape, dtype: "f32" }));
  },
  donate: ({ onto }: MatmulAttrs) => onto ? [2] : [],
  launch(io, attrs: MatmulAttrs, target) {
    return launchMatmul(io, attrs, chooseMatmul(productOf(io, attrs), target).tiling);
  },
  wasm: (io, attrs: MatmulAttrs, target) => {
    const { epilogue, onto = false } = attrs;
    // The accumulator is read and written as the output.
    const operands = onto ? { ...io, inputs: io.inputs.slice(0, 2) } : io;
    const call = { product: productOf(io, attrs), count: 1, io: operands, epilogue, onto };
    return productKernel(call, target);
  },
  reference,
  cost({ inputs, outputs }, attrs: MatmulAttrs) {
    const { m, n, k } = sizes(inputs[0] as Spec, inputs[1] as Spec, attrs);
    const bytes = [...inputs, ...outputs].reduce((sum, s) => sum + 4 * sizeOf(s.shape), 0);
    return { flops: 2 * m * n * k, bytes, terms: k + 64 };
  },
  vjp,
  absorb: (call, next, keep) =>
    call.attrs.onto ? undefined : absorbEpilogue(matmulOp, call, { next, keep }),
  cases: matmulCases(),
};
