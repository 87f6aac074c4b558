/**
 * Gradient of a recurrence: backpropagation through time, step by step. Gradients of the weights
 * are matmuls over all steps at once (recurrence_vjp.ts). Letters as in recurrence_sizes.ts.
 */
import type { Binding, Io, Launch, Op, Spec, Target } from "../../src/graph/types.ts";
import { linearGroups } from "../../src/graph/wgsl.ts";
import type { Stage } from "./cells.ts";
import { sharesGateGradients } from "./cells_grad.ts";
import { range } from "../emit/range.ts";
import { recurBackwardReference } from "./recurrence_backward_reference.ts";
import { recurrenceBackwardKernel } from "./wasm/backward.ts";
import {
  backwardBindings,
  printBackwardStep,
  printInitialGradient,
} from "./recurrence_backward_wgsl.ts";
import { recurrenceBackwardCases } from "./recurrence_cases.ts";
import {
  incomingBindings,
  incomingInvocations,
  printIncomingGradients,
} from "./recurrence_ends_wgsl.ts";
import {
  backwardIndices,
  orderOf,
  recurrenceCost,
  recurrenceSizes,
  recurrenceSteps,
  requireShapes,
  TIME_STRIDE,
} from "./recurrence_sizes.ts";
import type { RecurrenceBackwardAttrs, ShapeRequirement } from "./recurrence_sizes.ts";
import type { StepTile } from "./recurrence_tile.ts";
import { stepTile } from "./recurrence_tile.ts";
import type { StepKernel } from "./recurrence_step_wgsl.ts";

function shape(inputs: readonly Spec[], attrs: RecurrenceBackwardAttrs): Spec[] {
  const { cell, flows } = attrs;
  const [xw, weight, rec, hprev] = inputs;
  const { batch, time, hidden, gates } = recurrenceSizes(xw, weight, attrs);
  const indices = backwardIndices(cell, flows);
  const flowShape = (k: number) => k === 0 ? [batch, time, hidden] : [batch, hidden];
  requireShapes(cell, [
    ["rec", rec, [batch, time, gates * hidden]],
    ["hprev", hprev, [batch, time, hidden]],
    ...range(cell.states).slice(1).map((k): ShapeRequirement => [
      `state ${k} over time`,
      inputs[indices.over(k)],
      [batch, time + 1, hidden],
    ]),
    ["time", inputs[indices.time], [time * TIME_STRIDE]],
    ...flows.flatMap((there, k): ShapeRequirement[] =>
      there ? [[`gradient ${k}`, inputs[indices.flow(k)], flowShape(k)]] : []
    ),
  ]);
  const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });
  const drec = f32(batch, time, gates * hidden);
  return [
    drec,
    f32(batch, time + 1, hidden),
    ...range(cell.states).map(() => f32(batch, hidden)),
    ...sharesGateGradients(cell) ? [] : [drec],
  ];
}

/** The tensor that a WGSL name is bound to at step `t`. */
function bindingOf(name: string, { cell, flows }: RecurrenceBackwardAttrs, t: number): Binding {
  const indices = backwardIndices(cell, flows);
  const inputs = ["xw", "weight", "rec", "hprev"];
  const outputs = ["drec", "dh"];
  if (inputs.includes(name)) return { input: inputs.indexOf(name) };
  if (outputs.includes(name)) return { output: outputs.indexOf(name) };
  const [, word = "", digit = ""] = /^([a-z]+)(\d*)$/.exec(name) ?? [];
  const k = Number(digit);
  switch (word) {
    case "time":
      return { input: indices.time, offset: TIME_STRIDE * t, length: 1 };
    case "over":
      return { input: indices.over(k) };
    case "dy":
      return { input: indices.flow(0) };
    case "dlast":
      return { input: indices.flow(1 + k) };
    case "dstate":
      return { output: indices.dstate(k) };
    default:
      return { output: indices.dxw };
  }
}

function launch(io: Io<Spec>, attrs: RecurrenceBackwardAttrs, target: Target): Launch[] {
  const { cell, flows } = attrs;
  const sizes = recurrenceSizes(io.inputs[0], io.inputs[1], attrs);
  const order = orderOf(sizes.time, attrs);
  const bind = (names: readonly string[], t = 0) => names.map((name) => bindingOf(name, attrs, t));
  const groups = linearGroups(incomingInvocations(sizes), target.groups);
  const kernel = (stage: number, { groups: _, ...tile }: StepTile): StepKernel => ({
    ...sizes,
    ...tile,
    cell,
    stage,
    order,
  });
  const tile = stepTile({ ...sizes, own: 1 }, target);
  // This kernel runs once per call: prefer a tile that compiles fast.
  const firstTile = stepTile({ ...sizes, own: 8 }, target);
  const stages = cell.stages.map((_: Stage, k) => ({
    wgsl: printBackwardStep(kernel(k, tile)),
    names: backwardBindings(kernel(k, tile)).map(({ name }) => name),
  })).reverse();
  const ends = { ...sizes, states: cell.states, order, groups };
  return [
    {
      wgsl: printIncomingGradients(ends, flows),
      bindings: bind(incomingBindings(cell.states, flows).map(({ name }) => name)),
      groups,
    },
    ...recurrenceSteps(order).reverse().flatMap((t) =>
      stages.map(({ wgsl, names }) => ({ wgsl, bindings: bind(names, t), groups: tile.groups }))
    ),
    {
      wgsl: printInitialGradient(kernel(0, firstTile)),
      bindings: bind(["weight", "drec", "dh", "dstate0"]),
      groups: firstTile.groups,
    },
  ];
}

/** Index of the output [B, T + 1, H] with the gradient of h before and after each step. */
export const DH = 1;

/** The op; indices of its tensors are in recurrence_sizes.ts. */
export const recurrenceBackwardOp: Op = {
  name: "recurrence_backward",
  shape,
  launch,
  wasm: recurrenceBackwardKernel,
  reference: recurBackwardReference,
  cost: (io, attrs: RecurrenceBackwardAttrs) =>
    recurrenceCost(io, attrs, { product: attrs.cell.gates }),
  cases: recurrenceBackwardCases(),
};
