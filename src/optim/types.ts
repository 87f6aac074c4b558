/** What an optimizer is: a formula and the names of its moments. */
import type { Formula } from "../graph/formula.ts";

/** Per-step numbers that the host computes in f64 and writes as f32 scalars. */
export type StepScalars = Readonly<Record<string, number>>;

/** An update rule over flat vectors. */
export interface Optimizer<C> {
  /** Name, as configs have it. */
  readonly name: string;
  /** Vectors kept between steps, of the parameters' layout, zero at first. */
  readonly moments: readonly string[];
  /** Names of the scalars, in the order in which the formula takes them. */
  readonly scalars: readonly string[];
  /** Values of the scalars at a step, counted from 0. */
  scalarsAt(step: number, config: C): StepScalars;
  /**
   * (gradient, clip factor, scalars..., parameter, moments...) -> (parameter, moments...);
   * `decay` tells whether weight decay applies, `lrScale` is a factor of the learning rate. Weight decay
   * keeps to the rate without it.
   */
  update(config: C, how: { readonly decay: boolean; readonly lrScale: number }): Formula;
}
