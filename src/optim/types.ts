/** Optimizers: an elementwise update formula, and the names of its moments and scalars. */
import type { Formula } from "../graph/formula.ts";

/** Per-step scalars, computed on the host in f64 and written as f32. */
export type StepScalars = Readonly<Record<string, number>>;

/** An update rule over flat vectors. */
export interface Optimizer<C> {
  /** Name, as in configs. */
  readonly name: string;
  /** Names of the optimizer states, in the parameters' layout, initially zero. */
  readonly moments: readonly string[];
  /** Names of the scalars, in the formula's order. */
  readonly scalars: readonly string[];
  /** Values of the scalars at step `step`, counted from 0. */
  scalarsAt(step: number, config: C): StepScalars;
  /**
   * The update (gradient, clip factor, scalars..., parameter, moments...) -> (parameter,
   * moments...). `decay`: whether weight decay applies. `lrScale` multiplies the learning rate, but
   * not that of weight decay.
   */
  update(config: C, how: { readonly decay: boolean; readonly lrScale: number }): Formula;
}
