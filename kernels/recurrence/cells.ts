/**
 * Recurrent cells as formulas over one hidden unit. Kernels, reference and derivative of the
 * recurrence are generated from them.
 */
import type { Expr, Formula } from "../../src/graph/formula.ts";
import { add, formula, max, mul, sigmoid, sub, tanh } from "../../src/graph/formula.ts";
import { range } from "../emit/range.ts";

/** One product with the recurrent weight, and the formula that uses it. */
export interface Stage {
  /** Number of gates whose recurrent part is this stage's product. */
  readonly gates: number;
  /**
   * A formula of (x gates, r gates, states). Its outputs are the next states in the last stage,
   * else one output: the input of the next stage's product. It may use the r gates of its own and
   * earlier stages.
   */
  readonly formula: Formula;
}

/** A recurrent cell: x gates are computed from the input, r gates from the previous state. */
export interface Cell {
  /** Name in messages. */
  readonly name: string;
  /** Gates per hidden unit, over all stages. */
  readonly gates: number;
  /** States per hidden unit; the first is the hidden state h. */
  readonly states: 1 | 2;
  /** The first stage's product reads h, a later one's the output of the previous stage. */
  readonly stages: readonly Stage[];
}

/** Operands of a stage's formula: gates by index, and the states before the step. */
interface Unit {
  /** Input part of a gate. */
  readonly x: (gate: number) => Expr;
  /** Recurrent part of a gate, its bias included. */
  readonly r: (gate: number) => Expr;
  /** Both parts of a gate. */
  readonly sum: (gate: number) => Expr;
  readonly h: Expr;
  readonly c: Expr;
}

/** A cell from its stages, each given as its number of gates and its outputs. */
function cell(
  name: string,
  states: 1 | 2,
  ...stages: readonly (readonly [number, (unit: Unit) => readonly Expr[]])[]
): Cell {
  const gates = stages.reduce((sum, [own]) => sum + own, 0);
  const formulaOf = (body: (unit: Unit) => readonly Expr[]) =>
    formula(2 * gates + states, (...args) => {
      const at = (i: number) => args[i] as Expr;
      const [x, r] = [at, (gate: number) => at(gates + gate)];
      return body({ x, r, sum: (g) => add(x(g), r(g)), h: at(2 * gates), c: at(2 * gates + 1) });
    });
  return {
    name,
    gates,
    states,
    stages: stages.map(([own, body]) => ({ gates: own, formula: formulaOf(body) })),
  };
}

/** (1 - z) n + z h */
const lerp = (z: Expr, n: Expr, h: Expr): Expr => add(mul(sub(1, z), n), mul(z, h));

/** h' = tanh(x + r). Elman, "Finding structure in time" (1990). */
export const rnnTanh: Cell = cell("rnn_tanh", 1, [1, (u) => [tanh(u.sum(0))]]);

/**
 * h' = max(x + r, 0). Le, Jaitly, Hinton, "A simple way to initialize recurrent networks" (2015).
 */
export const rnnRelu: Cell = cell("rnn_relu", 1, [1, (u) => [max(u.sum(0), 0)]]);

/**
 * Gates i, f, g, o. Hochreiter, Schmidhuber, "Long short-term memory" (1997), with the forget gate
 * of Gers, Schmidhuber, Cummins, "Learning to forget" (2000).
 */
export const lstm: Cell = cell("lstm", 2, [4, (u) => {
  const c = add(mul(sigmoid(u.sum(1)), u.c), mul(sigmoid(u.sum(0)), tanh(u.sum(2))));
  return [mul(sigmoid(u.sum(3)), tanh(c)), c];
}]);

/**
 * Gates r, z, n; r acts after the product, as in cuDNN. Cho et al., "Learning phrase
 * representations using RNN encoder-decoder" (2014), arXiv 1406.1078, version 1.
 */
export const gru: Cell = cell("gru", 1, [3, (u) => {
  const n = tanh(add(u.x(2), mul(sigmoid(u.sum(0)), u.r(2))));
  return [lerp(sigmoid(u.sum(1)), n, u.h)];
}]);

/**
 * Gates r, z, n; r acts on h before a second product. Cho et al. (2014), arXiv 1406.1078, eq. 8.
 */
export const gruBefore: Cell = cell(
  "gru_before",
  1,
  [2, (u) => [mul(sigmoid(u.sum(0)), u.h)]],
  [1, (u) => [lerp(sigmoid(u.sum(1)), tanh(u.sum(2)), u.h)]],
);

/** All cells. */
export const CELL_FORMULAS: readonly Cell[] = [rnnTanh, rnnRelu, lstm, gru, gruBefore];

/** Index of the first gate of stage `k`. */
export function firstGate({ stages }: Cell, k: number): number {
  return range(k).reduce((sum, i) => sum + (stages[i]?.gates ?? 0), 0);
}
