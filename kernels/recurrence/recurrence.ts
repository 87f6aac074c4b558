/**
 * A recurrent cell applied over all time steps. The input part of the gates is one matmul before
 * this op; each step is one dispatch per stage of the cell. Sources of the cells are in cells.ts.
 * Letters: B batch, T time, H hidden units, G gates.
 */
import { applyAll } from "../../src/graph/trace.ts";
import type { Binding, Io, Launch, Op, Spec, Target, Tensor } from "../../src/graph/types.ts";
import { linearGroups } from "../../src/graph/wgsl.ts";
import type { Cell, Stage } from "./cells.ts";
import { range } from "../emit/range.ts";
import { recurrenceForwardCases } from "./recurrence_cases.ts";
import { copyInvocations, printFinalStates, printInitialStates } from "./recurrence_ends_wgsl.ts";
import type { StateCopyKernel } from "./recurrence_ends_wgsl.ts";
import { recurReference } from "./recurrence_reference.ts";
import type { RecurrenceAttrs, ShapeRequirement } from "./recurrence_sizes.ts";
import {
  forwardIndices,
  orderOf,
  recurrenceCost,
  recurrenceSizes,
  recurrenceSteps,
  requireShapes,
  TIME_STRIDE,
  timeNumbers,
} from "./recurrence_sizes.ts";
import type { StepKernel } from "./recurrence_step_wgsl.ts";
import { stepTile } from "./recurrence_tile.ts";
import { recurrenceVjp } from "./recurrence_vjp.ts";
import { recurrenceKernel } from "./wasm/forward.ts";
import { forwardBindings, printForwardStep } from "./recurrence_wgsl.ts";

/** Cell, parameters and initial states of {@linkcode recurrence}. */
export interface RecurrenceOptions {
  /** Formulas of one hidden unit. */
  readonly cell: Cell;
  /** [G H, H]: row g H + j is gate g of unit j. */
  readonly weight: Tensor;
  /** [G H] */
  readonly bias: Tensor;
  /** States before the first step, each [B, H]; h is the first. */
  readonly states: readonly Tensor[];
  /** Processes time from T - 1 to 0: y at t depends on x from T - 1 to t. */
  readonly reverse?: boolean;
}

/**
 * Runs a cell over xw f32 [B, T, G H], the input part of the gates. Returns y f32 [B, T, H], h
 * after each step, and the states after the last step, each f32 [B, H].
 * @throws {RangeError} when a shape does not fit.
 */
export function recurrence(
  xw: Tensor,
  { cell, weight, bias, states, reverse = false }: RecurrenceOptions,
): { y: Tensor; last: readonly Tensor[] } {
  const { time } = recurrenceSizes(xw, weight, { cell });
  const numbers = xw.trace.constant([time * TIME_STRIDE], timeNumbers(time));
  const inputs = [xw, weight, bias, ...states, numbers];
  const outputs = applyAll(recurrenceOp, inputs, { cell, reverse });
  return { y: outputs[0] as Tensor, last: outputs.slice(1, 1 + cell.states) };
}

function shape(inputs: readonly Spec[], attrs: RecurrenceAttrs): Spec[] {
  const { cell } = attrs;
  const [xw, weight, bias] = inputs;
  const { batch, time, hidden, gates } = recurrenceSizes(xw, weight, attrs);
  const indices = forwardIndices(cell);
  const states = range(cell.states).map((k): ShapeRequirement => [
    `state ${k}`,
    inputs[indices.state(k)],
    [batch, hidden],
  ]);
  requireShapes(cell, [
    ["bias", bias, [gates * hidden]],
    ...states,
    ["time", inputs[indices.time], [time * TIME_STRIDE]],
  ]);
  const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });
  return [
    f32(batch, time, hidden),
    ...states.map(() => f32(batch, hidden)),
    f32(batch, time, gates * hidden),
    f32(batch, time, hidden),
    ...states.slice(1).map(() => f32(batch, time + 1, hidden)),
    ...cell.stages.slice(1).map(() => f32(batch, time, hidden)),
  ];
}

/** The tensor that a WGSL name is bound to. */
function bindingOf(name: string, cell: Cell): Binding {
  const indices = forwardIndices(cell);
  const inputs = ["xw", "weight", "bias"];
  const [, word = "", digit = "0"] = /^([a-z]+)(\d*)$/.exec(name) ?? [];
  const k = Number(digit);
  if (inputs.includes(name)) return { input: inputs.indexOf(name) };
  switch (word) {
    case "state":
      return { input: indices.state(k) };
    case "y":
      return { output: 0 };
    case "last":
      return { output: indices.last(k) };
    case "rec":
      return { output: indices.rec };
    case "hprev":
      return { output: indices.hprev };
    case "over":
      return { output: indices.over(k) };
    default:
      return { output: indices.given(k) };
  }
}

function launch(io: Io<Spec>, attrs: RecurrenceAttrs, target: Target): Launch[] {
  const { cell } = attrs;
  const sizes = recurrenceSizes(io.inputs[0], io.inputs[1], attrs);
  const order = orderOf(sizes.time, attrs);
  const indices = forwardIndices(cell);
  const groups = linearGroups(copyInvocations(sizes), target.groups);
  const ends: StateCopyKernel = { ...sizes, states: cell.states, order, groups };
  const bind = (names: readonly string[]) => names.map((name) => bindingOf(name, cell));
  const states = (name: string, from = 0) =>
    range(cell.states).slice(from).map((k) => `${name}${k}`);
  const stages = cell.stages.map(({ gates: own }: Stage, stage) => {
    const { groups, ...tile } = stepTile({ ...sizes, own }, target);
    const kernel: StepKernel = { ...sizes, cell, stage, order, ...tile };
    const names = forwardBindings(kernel).map(({ name }) => name);
    return { wgsl: printForwardStep(kernel), names, groups };
  });
  const step = (t: number): Launch[] =>
    stages.map(({ wgsl, names, groups }) => ({
      wgsl,
      bindings: names.map((name): Binding =>
        name === "time"
          ? { input: indices.time, offset: TIME_STRIDE * t, length: 1 }
          : bindingOf(name, cell)
      ),
      groups,
    }));
  return [
    {
      wgsl: printInitialStates(ends),
      bindings: bind([...states("state"), "hprev", ...states("over", 1)]),
      groups,
    },
    ...recurrenceSteps(order).flatMap(step),
    {
      wgsl: printFinalStates(ends),
      bindings: bind(["y", ...states("over", 1), ...states("last")]),
      groups,
    },
  ];
}

/** The op behind {@linkcode recurrence}; indices of its tensors are in recurrence_sizes.ts. */
export const recurrenceOp: Op = {
  name: "recurrence",
  shape,
  launch,
  wasm: recurrenceKernel,
  reference: recurReference,
  cost: (io, attrs: RecurrenceAttrs) => recurrenceCost(io, attrs, { product: 1 }),
  vjp: recurrenceVjp,
  cases: recurrenceForwardCases(),
};
