/** Optimizers that are one formula: the same elementwise update for all parameters. */
import { pointwiseSegmentsOp } from "../../kernels/pointwise/mod.ts";
import type { Formula } from "../graph/formula.ts";
import { applyAll } from "../graph/trace.ts";
import { clipFormula, GRAD_NORM } from "./clip.ts";
import type { Optimizer, StepScalars, UpdateRule } from "./types.ts";

/** The keys that each optimizer's config has. */
export interface UpdateConfig {
  /** Largest global norm of the gradient; 0 turns clipping off. */
  readonly clip: number;
  /** Weight decay; a group of parameters may have its own. */
  readonly weight_decay: number;
}

/** What differs between the ranges of one formula. */
export interface FormulaOptions {
  /** Whether weight decay applies. */
  readonly decay: boolean;
  /** Factor of the learning rate. */
  readonly lrScale: number;
}

/** An elementwise update rule. */
export interface ElementwiseRule<C> {
  /** Names of the optimizer states, in the formula's order. */
  moments(config: C): readonly string[];
  /** Names of the scalars, in the formula's order. */
  readonly scalars: readonly string[];
  /**
   * The update (gradient, clip factor, scalars..., parameter, moments...) -> (parameter,
   * moments...).
   */
  update(config: C, options: FormulaOptions): Formula;
}

/** An optimizer with one elementwise rule. */
export interface ElementwiseOptimizer<C> extends ElementwiseRule<C> {
  /** Name, as in configs. */
  readonly name: string;
  /** Values of the scalars at step `step`, counted from 0. */
  scalarsAt(step: number, config: C): StepScalars;
}

/** The optimizer that applies one formula to all parameters. */
export function elementwise<C extends UpdateConfig>(
  optimizer: ElementwiseOptimizer<C>,
): Optimizer<C> & ElementwiseOptimizer<C> {
  return { ...optimizer, rules: { elementwise: elementwiseRule(optimizer) } };
}

/** An elementwise rule as ops: one call per span, which updates in place. */
export function elementwiseRule<C extends UpdateConfig>(
  { moments, scalars, update }: ElementwiseRule<C>,
): UpdateRule<C> {
  return {
    moments,
    trace({ ranges, source, scalar }, config) {
      const { clip } = config;
      const numbers = [...clip === 0 ? [] : [GRAD_NORM], ...scalars].map(scalar);
      const names = { scalars, state: ["param", ...moments(config)] };
      const state = names.state.map((vector) => source(vector));
      const inputs = [source("grad"), ...numbers, ...state];
      let end = 0;
      applyAll(pointwiseSegmentsOp, inputs, {
        ranges: ranges.map(({ length, decay, lrScale, weightDecay }) => {
          const own = weightDecay === undefined ? config : { ...config, weight_decay: weightDecay };
          const made = update(own, { decay, lrScale });
          requireSignature(made, names);
          return { end: end += length, formula: clipFormula(made, clip) };
        }),
        donate: state.map((_, k) => inputs.length - state.length + k),
      });
    },
  };
}

/** @throws {RangeError} for a formula of other arguments or results than its rule declares. */
function requireSignature(
  { inputs, outputs }: Formula,
  { scalars, state }: { readonly scalars: readonly string[]; readonly state: readonly string[] },
): void {
  const wanted = ["gradient", "clip factor", ...scalars, ...state];
  if (inputs !== wanted.length) {
    throw new RangeError(
      `need a formula of ${wanted.length} arguments (${wanted.join(", ")}): it has ${inputs}`,
    );
  }
  if (outputs.length === state.length) return;
  throw new RangeError(
    `need a formula of ${state.length} results (${state.join(", ")}): it has ${outputs.length}`,
  );
}
