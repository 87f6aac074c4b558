/** Products of a recurrence's stages for WebAssembly: their sizes and places in scratch memory. */
import { alignUp } from "../../../src/base/shape.ts";
import type { Formula } from "../../../src/graph/formula.ts";
import { printFormulaWasm } from "../../../src/graph/formula_wasm.ts";
import type { Body } from "../../../src/wasm/body.ts";
import type { WasmTarget } from "../../../src/wasm/kernel.ts";
import type { Area, V128 } from "../../../src/wasm/values.ts";
import { i32x4 } from "../../../src/wasm/vectors.ts";
import type { Cell, Stage } from "../cells.ts";
import { firstGate } from "../cells.ts";
import { packedBytes, paddedColumns, panelColumns, printPackedProduct } from "./product.ts";
import type { PackedSizes } from "./product.ts";
import type { Units } from "./units.ts";

/** Bytes of a cache line. */
const LINE = 64;

/** A stage, its product, and offsets in scratch. */
export interface StageProduct extends PackedSizes {
  readonly stage: number;
  /** Its first gate and number of gates. */
  readonly first: number;
  readonly gates: number;
  /** The packed weight. */
  readonly packed: number;
  /** A: rows of `depth` elements. */
  readonly source: number;
  /** C: rows of `width` elements, of which `columns` are used. */
  readonly product: number;
  readonly width: number;
}

/** The products of all stages, and the bytes of scratch. */
export function stageProducts(
  cell: Cell,
  { batch, target }: { readonly batch: number; readonly target: WasmTarget },
  sizesOf: (stage: Stage) => Omit<PackedSizes, "panel">,
): { readonly stages: readonly StageProduct[]; readonly bytes: number } {
  let bytes = 0;
  const part = (size: number): number => {
    const at = bytes;
    bytes += alignUp(size, LINE);
    return at;
  };
  const stages = cell.stages.map((own, stage): StageProduct => {
    const sizes = { ...sizesOf(own), panel: panelColumns(batch, target) };
    const width = paddedColumns(sizes.columns);
    return {
      ...sizes,
      stage,
      first: firstGate(cell, stage),
      gates: own.gates,
      packed: part(packedBytes(sizes)),
      source: part(4 * batch * sizes.depth),
      product: part(4 * batch * width),
      width,
    };
  });
  return { stages, bytes };
}

/** Names of the streams that the formula inputs in `used` are loaded from. */
export function inputStreams({ gates }: Cell, used: readonly number[]): string[] {
  return [
    ...used.some((i) => i < gates) ? ["xw"] : [],
    ...used.some((i) => i >= gates && i < 2 * gates) ? ["rec"] : [],
    ...used.some((i) => i === 2 * gates) ? ["h"] : [],
    ...used.filter((i) => i > 2 * gates).map((i) => `over${i - 2 * gates}`),
  ];
}

/** Loads input `i` of a cell's formula: a gate of x or r, h before the step, or another state. */
export function loadInput(
  { at, load }: Units,
  i: number,
  { gates, hidden, before }: {
    readonly gates: number;
    readonly hidden: number;
    /** Row of the state before step t, relative to t. */
    readonly before: number;
  },
): V128 {
  if (i < gates) return load(at("xw", i * hidden));
  if (i < 2 * gates) return load(at("rec", (i - gates) * hidden));
  if (i === 2 * gates) return load(at("h"));
  return load(at(`over${i - 2 * gates}`, before * hidden));
}

/** The outputs of a formula without random keys; each input is loaded once. */
export function printCell(b: Body, formula: Formula, load: (i: number) => V128): V128[] {
  const inputs = new Map<number, V128>();
  return printFormulaWasm(b, formula, {
    input: (i) => {
      const value = inputs.get(i) ?? load(i);
      inputs.set(i, value);
      return value;
    },
    key: () => {
      throw new RangeError("Cannot print a cell: it has no random keys");
    },
    index: () => i32x4.splat(0),
  });
}

/** Prints the product of a stage. */
export function printStageProduct(
  b: Body,
  stage: StageProduct,
  { batch, areas: { scratch } }: {
    readonly batch: number;
    readonly areas: { readonly scratch: Area };
  },
): void {
  printPackedProduct(b, {
    ...stage,
    a: b.at(scratch, stage.source),
    packed: b.at(scratch, stage.packed),
    c: b.at(scratch, stage.product),
    rows: batch,
  });
}
