/** Evaluates the epilogue of a product on vectors of neighbouring columns of one row. */
import type { Formula } from "../../../src/graph/formula.ts";
import { keyInputs } from "../../../src/graph/formula.ts";
import { printFormulaWasm } from "../../../src/graph/formula_wasm.ts";
import type { Io, Spec } from "../../../src/graph/types.ts";
import { sizeOf } from "../../../src/base/shape.ts";
import type { Body } from "../../../src/wasm/body.ts";
import type { VectorKey } from "../../../src/wasm/random.ts";
import { type Area, I32, type Pointer, type V128 } from "../../../src/wasm/values.ts";
import { i32x4 } from "../../../src/wasm/vectors.ts";
import { range } from "../../emit/range.ts";
import { broadcastKindOf } from "../../pointwise/broadcast.ts";

/** The tile of sums that an epilogue is applied to. */
export interface EpilogueTile {
  /** Row of all products, and column. */
  readonly row: I32;
  readonly column: I32;
  readonly rows: number;
}

/** Where four neighbouring sums are in the tile. */
export interface Place {
  /** Its row, and its vector of that row. */
  readonly r: number;
  readonly v: number;
  /** How many of the four columns exist. */
  readonly lanes: number;
}

/** The epilogue over sums: the values of all outputs. */
export type Epilogue = (sum: V128, place: Place) => readonly V128[];

/**
 * The epilogue of a product [m, n]; `extra`: the areas of its inputs behind the sum. Values that
 * are the same for all elements are loaded once, where this is called. Loads of a row go by one
 * address and constant offsets, because V8 pairs only those.
 */
export function epilogueOf(
  b: Body,
  { io: { inputs, outputs }, formula, extra, n, tile }: {
    readonly io: Io<Spec>;
    readonly formula: Formula;
    readonly extra: readonly Area[];
    readonly n: number;
    readonly tile: EpilogueTile;
  },
): Epilogue {
  const { row, column, rows } = tile;
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
  /** Where each row of the tile starts, by input. */
  const starts = specs.map((spec, k): readonly Pointer[] => {
    const area = extra[k] as Area;
    const pointer = (line: I32) => b.letPointer(b.at(area, line.times(n).plus(column).times(4)));
    switch (kinds[k]) {
      case undefined:
        throw new RangeError(
          `Cannot print an epilogue: input ${k} of [${spec.shape}] does not broadcast to [${out.shape}]`,
        );
      case "key":
      case "scalar":
        return [];
      case "row": {
        const first = b.letPointer(b.at(area, row.times(4)));
        return range(rows).map((r) => first.plus(4 * r));
      }
      case "full": {
        const first = pointer(row);
        return range(rows).map((r) => first.plus(4 * r * n));
      }
      case "suffix": {
        const lines = sizeOf(spec.shape) / n;
        if (lines > 1) return range(rows).map((r) => pointer(row.plus(r).modulo(lines)));
        const line = pointer(I32.of(0));
        return range(rows).map(() => line);
      }
    }
  });
  const load = (k: number, { r, v, lanes }: Place): V128 => {
    const start = starts[k]?.[r] as Pointer;
    return kinds[k] === "row" ? b.loadSplat(start) : b.loadSome(start.plus(16 * v), lanes);
  };
  return (sum, place) => {
    const loaded = specs.map((_, k) =>
      kinds[k] === "key" ? undefined : scalars[k] ?? b.let(load(k, place))
    );
    return printFormulaWasm(b, formula, {
      input: (k) => k === 0 ? sum : loaded[k - 1] as V128,
      key: (k) => keys.get(k) as VectorKey,
      index: () => {
        const first = row.plus(place.r).times(n).plus(column.plus(4 * place.v));
        return i32x4.add(i32x4.splatOf(first), i32x4.of(0, 1, 2, 3));
      },
    });
  };
}
