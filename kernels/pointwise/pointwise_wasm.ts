/** WebAssembly kernels of elementwise calls: nested loops over the periods at which inputs repeat. */
import { sizeOf } from "../../src/base/shape.ts";
import type { Formula } from "../../src/graph/formula.ts";
import { keyInputs } from "../../src/graph/formula.ts";
import { printFormulaWasm } from "../../src/graph/formula_wasm.ts";
import type { Io, Spec } from "../../src/graph/types.ts";
import type { Body } from "../../src/wasm/body.ts";
import type { KernelAreas, WasmKernel } from "../../src/wasm/kernel.ts";
import type { VectorKey } from "../../src/wasm/random.ts";
import type { Area, Pointer, V128 } from "../../src/wasm/values.ts";
import { i32x4 } from "../../src/wasm/vectors.ts";
import { broadcastKindOf } from "./broadcast.ts";

/** Elements of one vector, and of the two that one iteration computes. */
const LANES = 4;
const PAIR = 2 * LANES;

/** The kernel of a call over all elements. */
export function pointwiseKernel(io: Io<Spec>, formula: Formula): WasmKernel {
  const n = sizeOf((io.outputs[0] as Spec).shape);
  return { print: (b, areas) => printElements(b, { io, formula, areas, from: 0, to: n }) };
}

/** Prints a formula over the elements [from, to), which is all of them or a range of a flat call. */
export function printElements(
  b: Body,
  { io: { inputs, outputs }, formula, areas, from, to }: {
    readonly io: Io<Spec>;
    readonly formula: Formula;
    readonly areas: KernelAreas;
    readonly from: number;
    readonly to: number;
  },
): void {
  const out = outputs[0] as Spec;
  const columns = out.shape.at(-1) ?? 1;
  const kinds = inputs.map((spec) => broadcastKindOf(spec, out));
  const keys = keysOf(b, formula, areas);
  const scalars = new Map<number, V128>();
  kinds.forEach((kind, k) => {
    if (kind === "scalar") scalars.set(k, b.let(b.loadSplat(b.at(areas.inputs[k] as Area))));
  });
  const streams = kinds.flatMap((kind, k) =>
    kind === "scalar" || kind === "key" || kind === undefined ? [] : [{ kind, k }]
  );
  const periods = periodsOf(inputs, kinds, { columns, n: to - from });
  /** Bytes by which an input advances per `span` elements of the output. */
  const strideOf = (k: number, span: number): number => {
    if (kinds[k] === "row") return 4 * Math.floor(span / columns);
    return kinds[k] === "full" || span < sizeOf((inputs[k] as Spec).shape) ? 4 * span : 0;
  };

  const element = (at: readonly Pointer[], rows: ReadonlyMap<number, V128>, isOne: boolean) => {
    const load = (pointer: Pointer) => b.let(isOne ? b.loadOne(pointer) : b.load(pointer));
    const loaded = new Map(
      streams.flatMap(({ kind, k }, s): [number, V128][] =>
        kind === "row" ? [] : [[k, load(at[s + 1] as Pointer)]]
      ),
    );
    return printFormulaWasm(b, formula, {
      input: (k) => (loaded.get(k) ?? rows.get(k) ?? scalars.get(k)) as V128,
      key: (k) => keys.get(k) as VectorKey,
      index: () => {
        const first = i32x4.splatOf(b.elementOf(at[0] as Pointer));
        return isOne ? first : i32x4.add(first, i32x4.of(0, 1, 2, 3));
      },
    });
  };
  const store = (at: readonly Pointer[], values: readonly (readonly V128[])[], isOne: boolean) => {
    outputs.forEach((_, k) => {
      const to = samePlace(b, at[0] as Pointer, areas.outputs[k] as Area);
      values.forEach((each, v) => {
        if (isOne) b.storeOne(to, each[k] as V128);
        else b.store(to.plus(16 * v), each[k] as V128);
      });
    });
  };
  const inner = (starts: readonly Pointer[], count: number) => {
    const rows = new Map(
      streams.flatMap(({ kind, k }, s): [number, V128][] =>
        kind === "row" ? [[k, b.let(b.loadSplat(starts[s + 1] as Pointer))]] : []
      ),
    );
    const steps = [4, ...streams.map(({ k }) => strideOf(k, 1))];
    const walks = (from: number, width: number) =>
      starts.map((pointer, s) => {
        const step = steps[s] as number;
        return [pointer.plus(step * from), step * width] as const;
      });
    const pairs = Math.floor(count / PAIR);
    b.walk(pairs, walks(0, PAIR), (...at) => {
      const next = at.map((pointer, s) => pointer.plus(LANES * (steps[s] as number)));
      const values = [element(at, rows, false), element(next, rows, false)];
      store(at, values, false);
    });
    b.walk(count - PAIR * pairs, walks(PAIR * pairs, 1), (...at) => {
      store(at, [element(at, rows, true)], true);
    });
  };
  const nest = (level: number, starts: readonly Pointer[]): void => {
    const [period = 1, below] = [periods[level], periods[level - 1]];
    if (below === undefined) return inner(starts, period);
    const steps = [4 * below, ...streams.map(({ k }) => strideOf(k, below))];
    const walks = starts.map((pointer, s) => [pointer, steps[s] as number] as const);
    b.walk(period / below, walks, (...at) => nest(level - 1, at));
  };
  nest(periods.length - 1, [
    b.at(areas.outputs[0] as Area, 4 * from),
    ...streams.map(({ k }) => b.at(areas.inputs[k] as Area, strideOf(k, from))),
  ]);
}

/**
 * Lengths at which an input repeats or advances, ascending, each a divisor of the next; the last is
 * the number of elements.
 */
function periodsOf(
  inputs: readonly Spec[],
  kinds: readonly (string | undefined)[],
  { columns, n }: { readonly columns: number; readonly n: number },
): number[] {
  const periods = new Set([n]);
  kinds.forEach((kind, k) => {
    if (kind === "suffix") periods.add(sizeOf((inputs[k] as Spec).shape));
    if (kind === "row") periods.add(columns);
  });
  return Array.from(periods).sort((a, b) => a - b);
}

function keysOf(
  b: Body,
  formula: Formula,
  { inputs }: KernelAreas,
): ReadonlyMap<number, VectorKey> {
  return new Map(Array.from(keyInputs(formula), (k) => {
    const at = b.at(inputs[k] as Area);
    return [k, [b.let(b.loadSplat(at)), b.let(b.loadSplat(at.plus(4)))]];
  }));
}

/** The pointer at the same element of another output. */
function samePlace(b: Body, pointer: Pointer, area: Area): Pointer {
  return pointer.area === area ? pointer : b.at(area, b.elementOf(pointer).times(4));
}
