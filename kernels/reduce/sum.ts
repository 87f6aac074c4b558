/**
 * Sum of all elements, or of their squares: [...] -> [1]. The reduction tree depends on the size
 * alone, so the result is deterministic. The partial sums of each level are scratch outputs.
 */
import { ceilDiv, sizeOf } from "../../src/base/shape.ts";
import type { Expr } from "../../src/graph/formula.ts";
import { formula, mul, select } from "../../src/graph/formula.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Binding, Case, Grad, Io, Launch, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { linearGroups, linearHead } from "../../src/graph/wgsl.ts";
import { sumKernel } from "./sums_wasm.ts";
import { pointwiseOp } from "../pointwise/pointwise.ts";

/** Attributes of a sum. */
export interface SumAttrs {
  /** Sums x * x instead of x. */
  readonly square?: boolean;
}

/** Values per invocation; the last level is one invocation with up to `LAST` values. */
const STRIP = 64;
const LAST = 256;

function widthOf(n: number): 1 | 4 {
  return n % 4 === 0 ? 4 : 1;
}

/** Number of sums after each level for `n` elements; the last is 1. */
function levels(n: number): number[] {
  const sums = (items: number) => items <= LAST ? 1 : ceilDiv(items, STRIP);
  const made = [sums(n / widthOf(n))];
  while (made.at(-1) !== 1) made.push(sums(made.at(-1) as number));
  return made;
}

/**
 * Sum j takes items j, j + sums, j + 2 sums...: adjacent invocations load adjacent items. Four
 * independent accumulators hide the latency of loads and additions.
 */
function levelWgsl(
  { items, sums, width, square }: { items: number; sums: number; width: 1 | 4; square: boolean },
  groups: Launch["groups"],
): string {
  const type = width === 4 ? "vec4<f32>" : "f32";
  const value = (name: string) => square ? `${name} * ${name}` : name;
  const totals = [0, 1, 2, 3];
  return `@group(0) @binding(0) var<storage, read> x: array<${type}>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
${linearHead(sums, groups)}
  ${totals.map((t) => `var t${t} = ${type}();`).join(" ")}
  var at = i;
  while (at + ${3 * sums}u < ${items}u) {
    ${totals.map((t) => `let v${t} = x[at + ${t * sums}u];`).join(" ")}
    ${totals.map((t) => `t${t} += ${value(`v${t}`)};`).join(" ")}
    at += ${4 * sums}u;
  }
  while (at < ${items}u) { let v = x[at]; t0 += ${value("v")}; at += ${sums}u; }
  let t = (t0 + t1) + (t2 + t3);
  y[i] = ${width === 4 ? "(t.x + t.y) + (t.z + t.w)" : "t"};
}
`;
}

/**
 * Sum of all elements of `x`, or of their squares: f32 [1]. @throws {RangeError} when x is empty.
 */
export function sum(x: Tensor, attrs: SumAttrs = {}): Tensor {
  return apply(sumOp, [x], attrs);
}

function vjp({ inputs: [x] }: Io<Tensor>, [dy]: readonly Grad[], { square }: SumAttrs): Grad[] {
  if (!x || !dy) return [];
  // x must stay an input even where its value is not used: it gives the gradient its shape.
  const derivative = formula(2, (x, d) => {
    const [value, grad] = [x as Expr, d as Expr];
    return square ? mul(mul(value, 2), grad) : select(value, grad, grad);
  });
  return [apply(pointwiseOp, [x, dy], { formula: derivative })];
}

/** The op behind {@linkcode sum}: outputs are the sum and the partial sums of each level. */
export const sumOp: Op = {
  name: "sum",
  shape([x]) {
    if (x === undefined || sizeOf(x.shape) === 0) {
      throw new RangeError("Cannot sum: axis 0 of the input has no elements");
    }
    const made = levels(sizeOf(x.shape));
    return [1, ...made.slice(0, -1)].map((n) => ({ shape: [n], dtype: "f32" }));
  },
  launch({ inputs }, { square = false }: SumAttrs, target) {
    let items = sizeOf(inputs[0]?.shape ?? []);
    let width = widthOf(items);
    items /= width;
    return levels(items * width).map((sums, level): Launch => {
      const groups = linearGroups(sums, target.groups);
      const from: Binding = level === 0 ? { input: 0 } : { output: level };
      const to: Binding = { output: sums === 1 ? 0 : level + 1 };
      const wgsl = levelWgsl({ items, sums, width, square: square && level === 0 }, groups);
      [items, width] = [sums, 1];
      return { wgsl, bindings: [from, to], groups };
    });
  },
  wasm: ({ inputs: [x] }, { square = false }: SumAttrs) => {
    const n = sizeOf((x as Spec).shape);
    return sumKernel({ n, width: widthOf(n), levels: levels(n), square });
  },
  reference({ inputs: [x], outputs: [y, ...partials] }, { square }: SumAttrs) {
    if (!x || !y) return;
    const n = x.data.length;
    const width = widthOf(n);
    const items = Array.from({ length: n / width }, () => 0);
    for (let i = 0; i < n; i++) {
      const v = x.data[i] as number;
      (items[Math.floor(i / width)] as number) += square ? v * v : v;
    }
    let values = items;
    levels(n).forEach((sums, level) => {
      const into = Array.from({ length: sums }, () => 0);
      values.forEach((v, i) => (into[i % sums] as number) += v);
      (sums === 1 ? y : partials[level])?.data.set(into);
      values = into;
    });
  },
  cost({ inputs, outputs }, { square }: SumAttrs) {
    const n = sizeOf(inputs[0]?.shape ?? []);
    const partials = outputs.slice(1).reduce((total, s) => total + sizeOf(s.shape), 0);
    return { flops: square ? 2 * n : n, bytes: 4 * (n + 2 * partials + 1), terms: n };
  },
  vjp,
  cases: sumCases(),
};

function sumCases(): Case[] {
  const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });
  const range = { 0: [-0.5, 1] } as const;
  const edges = [LAST, 4 * LAST, STRIP * LAST].flatMap((n) => [n - 1, n, n + 1]);
  return [
    ...[1, 3, 4, 5, ...edges].map((n): Case => (
      { kind: "tile", inputs: [f32(n)], attrs: {}, range }
    )),
    { kind: "ragged", inputs: [f32(3, 5, 107)], attrs: {}, range },
    { kind: "ragged", inputs: [f32(7, 4, 301)], attrs: { square: true } },
    { kind: "ragged", inputs: [f32(17, 1031)], attrs: { square: true } },
    { kind: "bench", inputs: [f32(2 ** 22)], attrs: {} },
    { kind: "bench", inputs: [f32(2 ** 22)], attrs: { square: true } },
  ];
}
