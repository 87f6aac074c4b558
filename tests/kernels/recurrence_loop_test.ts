/** A recurrence equals its composed form: a loop of matmuls and elementwise calls over time. */
import { assert, assertEquals } from "@std/assert";
import type { Cell, Stage } from "../../kernels/recurrence/mod.ts";
import { CELL_FORMULAS, firstGate } from "../../kernels/recurrence/cells.ts";
import { matmul } from "../../kernels/matmul/mod.ts";
import { range } from "../../kernels/emit/range.ts";
import { pointwise } from "../../kernels/pointwise/mod.ts";
import { recurrence } from "../../kernels/recurrence/mod.ts";
import { fold, rootKey, uniforms } from "../../src/base/random.ts";
import { openReference } from "../../src/device/reference.ts";
import { onGpu, sharedGpu } from "../support/gpu.ts";
import type { Expr } from "../../src/graph/formula.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Spec, Tensor } from "../../src/graph/types.ts";
import { gradientsOf, plus, runTrace, weightedSum } from "../support/graph/run_trace.ts";
import { tolerance } from "../../src/testing/tolerance.ts";

/** B, T, H */
type Sizes = readonly [number, number, number];

const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });

const gpu = sharedGpu();

/** Sources, values and results (with gradients) of one form of a recurrence. */
interface Form {
  readonly results: Record<string, Tensor>;
  readonly values: Record<string, Float64Array>;
}

/** The numbers of a recurrence by name, each an array [rows][columns] in row-major order. */
function numbersOf(cell: Cell, [b, t, h]: Sizes): Record<string, Float64Array> {
  const n = cell.gates * h;
  const sizes = { xw: b * t * n, weight: n * h, bias: n, s0: b * h, s1: b * h, wy: b * t * h };
  return Object.fromEntries(
    Object.entries(sizes).map(([name, size], i) => {
      const largest = name === "weight" ? 1 / Math.sqrt(h) : 1;
      return [name, Float64Array.from(uniforms(fold(rootKey(5), i), size, [-largest, largest]))];
    }),
  );
}

/** Element (row, column) of each, of `of` with `columns` columns. */
function gather(
  of: Float64Array,
  columns: number,
  places: readonly (readonly [number, number])[],
): Float64Array {
  return Float64Array.from(places, ([row, column]) => of[row * columns + column] as number);
}

/** The op. */
function asOp(cell: Cell, [b, t, h]: Sizes, reverse: boolean): Form {
  const values = numbersOf(cell, [b, t, h]);
  const trace = newTrace();
  const n = cell.gates * h;
  const xw = trace.source(f32(b, t, n), "batch", "xw");
  const weight = trace.source(f32(n, h), "batch", "weight");
  const bias = trace.source(f32(n), "batch", "bias");
  const states = range(cell.states).map((k) => trace.source(f32(b, h), "batch", `s${k}`));
  const { y, last } = recurrence(xw, { cell, weight, bias, states, reverse });
  const ws = values.wy?.subarray(0, b * h) as Float64Array;
  const loss = weightedSum([
    [y, values.wy as Float64Array],
    ...last.map((state): [Tensor, Float64Array] => [state, ws]),
  ]);
  const sources = { xw, weight, bias, ...Object.fromEntries(states.map((s, k) => [`s${k}`, s])) };
  const results: Record<string, Tensor> = { y };
  last.forEach((state, k) => results[`last${k}`] = state);
  for (const [name, flow] of Object.entries(gradientsOf(loss, sources))) results[`d${name}`] = flow;
  return { results, values };
}

/** The loop: one matmul per gate, and one elementwise call per output of the cell. */
function asLoop(cell: Cell, [b, t, h]: Sizes, reverse: boolean): Form {
  const whole = numbersOf(cell, [b, t, h]);
  const { gates } = cell;
  const trace = newTrace();
  const sources: Record<string, Tensor> = {};
  const values: Record<string, Float64Array> = {};
  const source = (name: string, shape: readonly number[], data: Float64Array): Tensor => {
    values[name] = data;
    return sources[name] = trace.source({ shape, dtype: "f32" }, "batch", name);
  };
  const rows = (step: number) =>
    range(b).flatMap((i) => range(h).map((j) => [i * t + step, j] as const));
  const xs = range(t).map((step) =>
    range(gates).map((g) => {
      const places = rows(step).map(([row, j]) => [row, g * h + j] as const);
      return source(`x${step}_${g}`, [b, h], gather(whole.xw as Float64Array, gates * h, places));
    })
  );
  const part = (name: string, g: number, size: number) =>
    (whole[name] as Float64Array).slice(g * size, (g + 1) * size);
  const weights = range(gates).map((g) => source(`w${g}`, [h, h], part("weight", g, h * h)));
  const biases = range(gates).map((g) => source(`b${g}`, [h], part("bias", g, h)));
  let states = range(cell.states).map((k) =>
    source(`s${k}`, [b, h], whole[`s${k}`] as Float64Array)
  );
  const ys: Tensor[] = [];
  for (const step of reverse ? range(t).reverse() : range(t)) {
    const x = xs[step] as Tensor[];
    // Gates of later stages are not computed yet, and not used.
    const r = [...x];
    let made: Tensor[] = [];
    cell.stages.forEach(({ gates: own, formula }: Stage, stage) => {
      const from = (stage === 0 ? states[0] : made[0]) as Tensor;
      for (const g of range(own).map((i) => firstGate(cell, stage) + i)) {
        r[g] = plus(matmul(from, weights[g] as Tensor, { tb: true }), biases[g] as Tensor);
      }
      made = formula.outputs.map((e: Expr) =>
        pointwise({ inputs: formula.inputs, outputs: [e] }, [...x, ...r, ...states])
      );
    });
    states = made;
    ys[step] = states[0] as Tensor;
  }
  const ws = (whole.wy as Float64Array).subarray(0, b * h);
  const loss = weightedSum([
    ...ys.map((y, step): [Tensor, Float64Array] => [
      y,
      gather(whole.wy as Float64Array, h, rows(step)),
    ]),
    ...states.map((state): [Tensor, Float64Array] => [state, ws]),
  ]);
  const results: Record<string, Tensor> = {};
  ys.forEach((y, step) => results[`y${step}`] = y);
  // The last h is y at the last step: one tensor cannot be two results.
  states.slice(1).forEach((state, k) => results[`last${k + 1}`] = state);
  for (const [name, flow] of Object.entries(gradientsOf(loss, sources))) results[`d${name}`] = flow;
  return { results, values };
}

/** Results of the loop in the op's layout. */
function joined(
  made: Readonly<Record<string, Float64Array>>,
  cell: Cell,
  [b, t, h]: Sizes,
): Record<string, Float64Array> {
  const { gates } = cell;
  const [y, dxw] = [new Float64Array(b * t * h), new Float64Array(b * t * gates * h)];
  for (const step of range(t)) {
    for (const i of range(b)) {
      const rowOf = (name: string) => made[name]?.subarray(i * h, (i + 1) * h) as Float64Array;
      y.set(rowOf(`y${step}`), (i * t + step) * h);
      range(gates).forEach((g) =>
        dxw.set(rowOf(`dx${step}_${g}`), ((i * t + step) * gates + g) * h)
      );
    }
  }
  const all = (name: string) =>
    Float64Array.from(range(gates).flatMap((g) => [...made[`${name}${g}`] as Float64Array]));
  const states = Object.entries(made).filter(([name]) => /^(ds|last)/.test(name));
  return { y, dxw, dweight: all("dw"), dbias: all("db"), ...Object.fromEntries(states) };
}

/** Asserts that all of `want` are in `got`, each within `bound` of its largest. */
function assertNear(
  got: Readonly<Record<string, Float64Array>>,
  want: Readonly<Record<string, Float64Array>>,
  bound: (largest: number) => number,
): void {
  for (const [name, values] of Object.entries(want)) {
    const largest = values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    assertEquals(got[name]?.length, values.length, name);
    assert(largest > 0, `${name} is zero`);
    values.forEach((v, i) => {
      const off = Math.abs(v - (got[name]?.[i] as number));
      assert(off <= bound(largest), `${name} at ${i}: ${got[name]?.[i]} instead of ${v}`);
    });
  }
}

/** Sizes of a recurrence, and whether it runs backwards in time. */
const SIZES = [[[3, 5, 8], false], [[2, 4, 3], true]] as const;

for (const cell of CELL_FORMULAS) {
  Deno.test(`${cell.name} equals the loop of matmuls and formulas, values and gradients`, async () => {
    const reference = openReference({ precision: "f64" });
    for (const [sizes, reverse] of SIZES) {
      const [op, loop] = [asOp(cell, sizes, reverse), asLoop(cell, sizes, reverse)];
      const want = joined(await runTrace(reference, loop.results, loop.values), cell, sizes);
      const got = await runTrace(reference, op.results, op.values);
      assertNear(got, want, (largest) => 1e-12 * largest);
    }
  });

  Deno.test(onGpu(`${cell.name} on the GPU equals the loop in f64`), async () => {
    const reference = openReference({ precision: "f64" });
    for (const [sizes, reverse] of SIZES) {
      const [op, loop] = [asOp(cell, sizes, reverse), asLoop(cell, sizes, reverse)];
      const want = joined(await runTrace(reference, loop.results, loop.values), cell, sizes);
      const [b, t, h] = sizes;
      const terms = t * (cell.gates * h + 64) + b * t;
      const got = await runTrace(await gpu(), op.results, op.values);
      assertNear(got, want, (largest) => tolerance(terms, largest));
    }
  });
}
