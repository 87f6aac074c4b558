/**
 * Sizes and order of a recurrence, as both directions see them. Knows no kernel.
 * Letters: B batch, T time, H hidden units, G gates.
 */
import { sameShape, showShape, sizeOf } from "../../src/base/shape.ts";
import type { Shape } from "../../src/base/shape.ts";
import type { Cost, Io, Spec } from "../../src/graph/types.ts";
import type { Cell } from "./cells.ts";

/** Settings of both directions. */
export interface RecurrenceAttrs {
  /** What a unit computes. */
  readonly cell: Cell;
  /** Time runs from T - 1 to 0. */
  readonly reverse?: boolean;
}

/** Sizes of a call. */
export interface RecurrenceSizes {
  readonly batch: number;
  readonly time: number;
  readonly hidden: number;
  /** Gates of a unit, over all stages. */
  readonly gates: number;
}

/** Elements between the numbers of two time steps in the tensor that launches bind parts of. */
export const TIME_STRIDE = 64;

/** The number t at element 64 t: what tells a launch its time step. f32 [T * 64] */
export function timeNumbers(time: number): Float32Array {
  return Float32Array.from({ length: time * TIME_STRIDE }, (_, i) => Math.floor(i / TIME_STRIDE));
}

/** A tensor as messages call it, and the shape it must have. */
export type ShapeRequirement = readonly [name: string, spec: Spec | undefined, shape: Shape];

/** @throws {RangeError} where a tensor has not its shape. */
export function requireShapes({ name }: Cell, tensors: readonly ShapeRequirement[]): void {
  for (const [what, spec, shape] of tensors) {
    if (spec !== undefined && sameShape(spec.shape, shape)) continue;
    throw new RangeError(
      `Cannot run a recurrence of ${name}: ${what} must be ${showShape(shape)}: ` +
        (spec === undefined ? "none" : showShape(spec.shape)),
    );
  }
}

/** Sizes from xw [B, T, G H] and weight [G H, H]. @throws {RangeError} where they do not fit. */
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
 * Work of a call whose products have `product` H terms. Each step rounds as a sum of that length
 * and a formula do (64 terms, as in pointwise). What a step got wrong reaches later steps through
 * a map that does not grow it, for weights as layers begin with; independent errors of T steps
 * then add up as terms of one sum do, so there are T times as many. Weights that make small
 * differences grow would need more, and no fixed bound would do.
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

/** The order of time: which step is the first, and where rows of T + 1 states lie. */
export interface TimeOrder {
  readonly first: number;
  readonly last: number;
  /** 1, or -1 when time runs backwards. */
  readonly direction: 1 | -1;
  /** Row of T + 1 that holds the state before step t is t + `before`. */
  readonly before: 0 | 1;
  /** Row of T + 1 that holds the state after step t is t + `after`. */
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
 * Places of the forward op's tensors. Inputs: xw, weight, bias, states, time. Outputs: y, last
 * states, rec [B, T, G H], hprev [B, T, H], other states over time [B, T + 1, H], and what each
 * stage but the last gave [B, T, H].
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

/** Where the tensors of a cell's forward op are. */
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

/** Settings of the backward op. */
export interface RecurrenceBackwardAttrs extends RecurrenceAttrs {
  /** Whether a gradient arrives at y, and at each last state. */
  readonly flows: readonly boolean[];
}

/**
 * Places of the backward op's tensors. Inputs: xw, weight, rec, hprev, other states over time,
 * time, then the gradients that `flows` announces. Outputs: drec [B, T, G H], dh [B, T + 1, H],
 * initial states' gradients, and dxw [B, T, G H] where it is not drec.
 */
export interface BackwardIndices {
  readonly over: (k: number) => number;
  readonly time: number;
  /** 0: dy; 1 + k: the gradient of last state k. */
  readonly flow: (k: number) => number;
  readonly dstate: (k: number) => number;
  readonly dxw: number;
}

/** Where the tensors of a cell's backward op are. */
export function backwardIndices({ states }: Cell, flows: readonly boolean[]): BackwardIndices {
  return {
    over: (k) => 3 + k,
    time: 3 + states,
    flow: (k) => 4 + states + flows.slice(0, k).filter(Boolean).length,
    dstate: (k) => 2 + k,
    dxw: 2 + states,
  };
}
