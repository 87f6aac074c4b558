/**
 * Attributes, sizes, time order and tensor indices of a recurrence, forward and backward.
 * Letters: B batch, T time, H hidden units, G gates.
 */
import { sameShape, showShape, sizeOf } from "../../src/base/shape.ts";
import type { Shape } from "../../src/base/shape.ts";
import type { Cost, Io, Spec } from "../../src/graph/types.ts";
import type { Cell } from "./cells.ts";

/** Attributes of the forward op. */
export interface RecurrenceAttrs {
  /** Formulas of one hidden unit. */
  readonly cell: Cell;
  /** Processes time from T - 1 to 0. */
  readonly reverse?: boolean;
}

/** Sizes of a call. */
export interface RecurrenceSizes {
  readonly batch: number;
  readonly time: number;
  readonly hidden: number;
  /** Gates per hidden unit, over all stages. */
  readonly gates: number;
}

/** Elements between two time indices: each dispatch binds its own, at an aligned offset. */
export const TIME_STRIDE = 64;

/** The value t at element 64 t, which a dispatch reads as its time step: f32 [T * 64]. */
export function timeNumbers(time: number): Float32Array {
  return Float32Array.from({ length: time * TIME_STRIDE }, (_, i) => Math.floor(i / TIME_STRIDE));
}

/** A tensor's name in messages, its spec, and the required shape. */
export type ShapeRequirement = readonly [name: string, spec: Spec | undefined, shape: Shape];

/** @throws {RangeError} when a shape differs from the required one. */
export function requireShapes({ name }: Cell, tensors: readonly ShapeRequirement[]): void {
  for (const [what, spec, shape] of tensors) {
    if (spec !== undefined && sameShape(spec.shape, shape)) continue;
    throw new RangeError(
      `Cannot run a recurrence of ${name}: ${what} must be ${showShape(shape)}: ` +
        (spec === undefined ? "none" : showShape(spec.shape)),
    );
  }
}

/** Sizes from xw [B, T, G H] and weight [G H, H]. @throws {RangeError} when they do not fit. */
export function recurrenceSizes(
  xw: Spec | undefined,
  weight: Spec | undefined,
  { cell }: RecurrenceAttrs,
): RecurrenceSizes {
  const [batch = 0, time = 0] = xw?.shape ?? [];
  const hidden = weight?.shape.at(-1) ?? 0;
  const { gates } = cell;
  requireShapes(cell, [
    ["weight", weight, [gates * hidden, hidden]],
    ["xw", xw, [batch, time, gates * hidden]],
  ]);
  if (batch * time * hidden === 0) {
    throw new RangeError(
      `Cannot run a recurrence of ${cell.name}: no size may be 0: ` +
        `[B, T, H] is ${showShape([batch, time, hidden])}`,
    );
  }
  return { batch, time, hidden, gates };
}

/**
 * Cost of a call whose products have `product` H terms. The rounding error of one step is that of a
 * sum of this length and of a formula (64 terms, as in pointwise). With weights as layers
 * initialise them, a step does not amplify earlier errors, so the errors of T steps add up like the
 * terms of a sum T times as long. Weights that amplify differences have no fixed bound.
 */
export function recurrenceCost(
  { inputs, outputs }: Io<Spec>,
  attrs: RecurrenceAttrs,
  { product }: { product: number },
): Cost {
  const { batch, time, hidden, gates } = recurrenceSizes(inputs[0], inputs[1], attrs);
  return {
    flops: 2 * batch * time * gates * hidden * hidden,
    bytes: [...inputs, ...outputs].reduce((sum, s) => sum + 4 * sizeOf(s.shape), 0),
    terms: time * (product * hidden + 64),
  };
}

/** The order of time steps, and how steps index rows of T + 1 states. */
export interface TimeOrder {
  readonly first: number;
  readonly last: number;
  /** 1, or -1 in reverse. */
  readonly direction: 1 | -1;
  /** The state before step t is row t + `before` of T + 1. */
  readonly before: 0 | 1;
  /** The state after step t is row t + `after` of T + 1. */
  readonly after: 0 | 1;
}

/** The order of `time` steps. */
export function orderOf(time: number, { reverse = false }: RecurrenceAttrs): TimeOrder {
  return reverse
    ? { first: time - 1, last: 0, direction: -1, before: 1, after: 0 }
    : { first: 0, last: time - 1, direction: 1, before: 0, after: 1 };
}

/** The time steps in order. */
export function recurrenceSteps({ first, last, direction }: TimeOrder): number[] {
  return Array.from({ length: Math.abs(last - first) + 1 }, (_, i) => first + direction * i);
}

/**
 * Indices of the forward op's tensors. Inputs: xw, weight, bias, states, time. Outputs: y, last
 * states, rec [B, T, G H], hprev [B, T, H], other states over time [B, T + 1, H], and the output of
 * each stage but the last [B, T, H].
 */
export interface ForwardIndices {
  readonly state: (k: number) => number;
  readonly time: number;
  readonly last: (k: number) => number;
  readonly rec: number;
  readonly hprev: number;
  readonly over: (k: number) => number;
  readonly given: (stage: number) => number;
}

/** Indices of the tensors of a cell's forward op. */
export function forwardIndices({ states }: Cell): ForwardIndices {
  return {
    state: (k) => 3 + k,
    time: 3 + states,
    last: (k) => 1 + k,
    rec: 1 + states,
    hprev: 2 + states,
    over: (k) => 2 + states + k,
    given: (stage) => 2 + 2 * states + stage,
  };
}

/** Attributes of the backward op. */
export interface RecurrenceBackwardAttrs extends RecurrenceAttrs {
  /** Whether y and each last state have a gradient. */
  readonly flows: readonly boolean[];
}

/**
 * Indices of the backward op's tensors. Inputs: xw, weight, rec, hprev, other states over time,
 * time, then the gradients that `flows` marks as present. Outputs: drec [B, T, G H],
 * dh [B, T + 1, H], initial states' gradients, and dxw [B, T, G H] if it differs from drec.
 */
export interface BackwardIndices {
  readonly over: (k: number) => number;
  readonly time: number;
  /** Of dy for 0; of the gradient of last state k for 1 + k. */
  readonly flow: (k: number) => number;
  readonly dstate: (k: number) => number;
  readonly dxw: number;
}

/** Indices of the tensors of a cell's backward op. */
export function backwardIndices({ states }: Cell, flows: readonly boolean[]): BackwardIndices {
  return {
    over: (k) => 3 + k,
    time: 3 + states,
    flow: (k) => 4 + states + flows.slice(0, k).filter(Boolean).length,
    dstate: (k) => 2 + k,
    dxw: 2 + states,
  };
}
