/** Derivatives of cells by stage, and which of them are zero or identical. */
import type { Expr, Formula } from "../../src/graph/formula.ts";
import { gradientOf } from "../../src/graph/formula_grad.ts";
import type { Cell, Stage } from "./cells.ts";
import { range } from "../emit/range.ts";

/** Derivative of a stage. */
export interface StageGradient {
  /** (x gates, r gates, states, output gradients) -> gradients of x gates, r gates, states. */
  readonly formula: Formula;
  /** Indices of the outputs that are not identically zero. */
  readonly live: readonly number[];
}

/** The derivative of stage `k` of a cell. */
export function stageGradient(cell: Cell, k: number): StageGradient {
  const { formula: forward } = cell.stages[k] as Stage;
  const formula = gradientOf(forward, range(forward.inputs));
  const zero = (e: Expr) => e.kind === "const" && e.value === 0;
  const live = formula.outputs.flatMap((e, i) => zero(e) ? [] : [i]);
  return { formula, live };
}

/** Whether x and r gates have the same gradients, as in cells that only use x + r. */
export function sharesGateGradients(cell: Cell): boolean {
  const [stage, ...later] = cell.stages.map((_, k) => stageGradient(cell, k).formula.outputs);
  if (stage === undefined || later.length > 0) return false;
  return range(cell.gates).every((g) => stage[g] === stage[cell.gates + g]);
}

/** The derivative of stage `k`, reduced to the outputs that are stored, and their indices. */
export function storedGradients(cell: Cell, k: number): StageGradient {
  const { formula, live } = stageGradient(cell, k);
  // The last stage runs first: it writes all gates, and earlier stages add to them.
  const gates = range(2 * cell.gates);
  const kept = k === cell.stages.length - 1
    ? [...gates, ...live.filter((i) => i >= gates.length)]
    : live;
  const stored = sharesGateGradients(cell) ? kept.filter((i) => i >= cell.gates) : kept;
  const outputs = stored.map((i) => formula.outputs[i] as Expr);
  return { live: stored, formula: { inputs: formula.inputs, outputs } };
}
