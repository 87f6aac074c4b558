/** Evaluates the epilogue of a product on vectors of neighbouring columns of one row. */
import type { Formula } from "../../../src/graph/formula.ts";
import { keyInputs } from "../../../src/graph/formula.ts";
import { printFormulaWasm } from "../../../src/graph/formula_wasm.ts";
import type { Io, Spec } from "../../../src/graph/types.ts";
import { sizeOf } from "../../../src/base/shape.ts";
import type { Body } from "../../../src/wasm/body.ts";
import type { VectorKey } from "../../../src/wasm/random.ts";
import type { Area, I32, V128 } from "../../../src/wasm/values.ts";
import { i32x4 } from "../../../src/wasm/vectors.ts";
import { broadcastKindOf } from "../../pointwise/broadcast.ts";

/** Where four neighbouring sums are in the product. */
export interface Place {
  readonly row: I32;
  readonly column: I32;
  /** How many of the four columns exist. */
  readonly lanes: number;
}

/** The epilogue over sums: the values of all outputs. */
export type Epilogue = (sum: V128, place: Place) => readonly V128[];

/**
 * The epilogue of a product [m, n]; `extra`: the areas of its inputs behind the sum. Values that
 * are the same for all elements are loaded once, where this is called.
 */
export function epilogueOf(
  b: Body,
  { io: { inputs, outputs }, formula, extra, n }: {
    readonly io: Io<Spec>;
    readonly formula: Formula;
    readonly extra: readonly Area[];
    readonly n: number;
  },
): Epilogue {
  const out = outputs[0] as Spec;
  const specs = inputs.slice(2);
  const kinds = specs.map((spec) => broadcastKindOf(spec, out));
  const keys = new Map(Array.from(keyInputs(formula), (k): [number, VectorKey] => {
    const at = b.at(extra[k - 1] as Area);
    return [k, [b.let(b.loadSplat(at)), b.let(b.loadSplat(at.plus(4)))]];
  }));
  const scalars = kinds.map((kind, k) =>
    kind === "scalar" ? b.let(b.loadSplat(b.at(extra[k] as Area))) : undefined
  );
  const load = (k: number, { row, column, lanes }: Place): V128 => {
    const area = extra[k] as Area;
    if (kinds[k] === "row") return b.loadSplat(b.at(area, row.times(4)));
    const rows = sizeOf((specs[k] as Spec).shape) / n;
    const element = row.modulo(rows).times(n).plus(column);
    return b.loadSome(b.at(area, element.times(4)), lanes);
  };
  return (sum, place) => {
    const loaded = specs.map((_, k) =>
      kinds[k] === "key" ? undefined : scalars[k] ?? b.let(load(k, place))
    );
    return printFormulaWasm(b, formula, {
      input: (k) => k === 0 ? sum : loaded[k - 1] as V128,
      key: (k) => keys.get(k) as VectorKey,
      index: () => {
        const first = i32x4.splatOf(place.row.times(n).plus(place.column));
        return i32x4.add(first, i32x4.of(0, 1, 2, 3));
      },
    });
  };
}
