/**
 * Optimizers: update rules that trace ops over the flat vectors, and their moments and scalars.
 */
import type { HiddenMatrix, Shape } from "../base/shape.ts";
import type { Tensor } from "../graph/types.ts";

/** Per-step scalars, computed on the host in f64 and written as f32. */
export type StepScalars = Readonly<Record<string, number>>;

/** A parameter within a range. */
export interface UpdatedParam {
  /** Sizes of its axes. */
  readonly shape: Shape;
  /** Elements from the start of its span. */
  readonly offset: number;
  /** Set for the weight matrix of a hidden layer. */
  readonly hidden?: HiddenMatrix;
}

/** Consecutive elements that are updated in the same way. */
export interface UpdateRange {
  /** Number of elements, with the padding between parameters. */
  readonly length: number;
  /** Whether weight decay applies. */
  readonly decay: boolean;
  /** Factor of the learning rate. */
  readonly lrScale: number;
  /** Weight decay instead of the config's. */
  readonly weightDecay?: number;
  /** Name of its update rule; default: the first of the optimizer. */
  readonly rule?: string;
  /** The parameters in it, for rules that need their shapes. */
  readonly params?: readonly UpdatedParam[];
}

/** Consecutive ranges of one update rule, in one bucket of each vector. */
export type UpdateSpan = readonly UpdateRange[];

/** A span in the trace of an update. */
export interface SpanTensors {
  /** Its ranges. */
  readonly ranges: UpdateSpan;
  /**
   * Elements of a vector (`grad`, `param`, a moment) as a source of the trace: `shape` from
   * `offset` on, relative to the start of the span; default: the whole span, flat.
   */
  source(vector: string, at?: { readonly offset: number; readonly shape: Shape }): Tensor;
  /** A per-step scalar: f32 [1]. */
  scalar(name: string): Tensor;
}

/** How some of an optimizer's parameters are updated. */
export interface UpdateRule<C> {
  /** Names of the optimizer states that it keeps, in the parameters' layout, initially zero. */
  moments(config: C): readonly string[];
  /**
   * Traces one step of a span: applies ops that update `param` and the moments in place. Gradients
   * are not clipped yet ({@linkcode clipFormula}).
   */
  trace(span: SpanTensors, config: C): void;
}

/** An optimizer: its rules, and which rule updates a parameter. */
export interface Optimizer<C> {
  /** Name, as in configs. */
  readonly name: string;
  /** Names of the per-step scalars. */
  readonly scalars: readonly string[];
  /** Values of the scalars at step `step`, counted from 0. */
  scalarsAt(step: number, config: C): StepScalars;
  /** Update rules by name. */
  readonly rules: Readonly<Record<string, UpdateRule<C>>>;
  /** Name of a parameter's rule; undefined, or without this function: the first rule. */
  ruleOf?(param: { readonly shape: Shape; readonly hidden?: HiddenMatrix }): string | undefined;
}
