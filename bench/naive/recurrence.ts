/**
 * Textbook recurrence: one thread per hidden unit of a row, scalar, one dot product after the
 * other. Bindings, initial and last states are the op's own; only the steps are naive.
 */
import type { Cell, RecurrenceAttrs, Stage } from "../../kernels/recurrence/mod.ts";
import { firstGate } from "../../kernels/recurrence/cells.ts";
import { sharesGateGradients, stageGradient } from "../../kernels/recurrence/cells_grad.ts";
import { range } from "../../kernels/emit/range.ts";
import { recurrenceBackwardOp, recurrenceOp } from "../../kernels/recurrence/mod.ts";
import { backwardBindings } from "../../kernels/recurrence/recurrence_backward_wgsl.ts";
import { orderOf, recurrenceSizes } from "../../kernels/recurrence/recurrence_sizes.ts";
import type { StepKernel } from "../../kernels/recurrence/recurrence_step_wgsl.ts";
import { declareBindings } from "../../kernels/recurrence/recurrence_step_wgsl.ts";
import { forwardBindings } from "../../kernels/recurrence/recurrence_wgsl.ts";
import { printFormula } from "../../src/graph/formula_wgsl.ts";
import type { Io, Launch, Op, Spec, Target } from "../../src/graph/types.ts";
import { linearGroups, linearHead } from "../../src/graph/wgsl.ts";
import type { Twin } from "./twin.ts";

type Groups = readonly [number, number, number];

/** Head of a step: unit j of row b at time t. */
function head({ batch, hidden }: StepKernel, groups: Groups): string {
  return `${linearHead(batch * hidden, groups)}
let t = u32(time); let b = i / ${hidden}u; let j = i % ${hidden}u;`;
}

/** WGSL that loads the inputs of a stage's formula. */
function inputs({ cell, time, hidden, order }: StepKernel): string[] {
  const { gates, states } = cell;
  const gate = (name: string, g: number) =>
    `${name}[((b * ${time}u + t) * ${gates}u + ${g}u) * ${hidden}u + j]`;
  const over = `[(b * ${time + 1}u + t + ${order.before}u) * ${hidden}u + j]`;
  return [
    ...range(gates).map((g) => gate("xw", g)),
    ...range(gates).map((g) => gate("rec", g)),
    `hprev[(b * ${time}u + t) * ${hidden}u + j]`,
    ...range(states).slice(1).map((k) => `over${k}${over}`),
  ];
}

function plainStep(kernel: StepKernel, groups: Groups): string {
  const { cell, stage, time, hidden, gates, order } = kernel;
  const { gates: own, formula } = cell.stages[stage] as Stage;
  const source = stage === 0 ? "hprev" : `given${stage - 1}`;
  const row = (at: string) => `[(b * ${time}u + ${at}) * ${hidden}u + j]`;
  const products = range(own).map((i) => {
    const gate = `${(firstGate(cell, stage) + i) * hidden}u + j`;
    return `{ var sum = bias[${gate}];
for (var k = 0u; k < ${hidden}u; k++) {
  sum += ${source}[(b * ${time}u + t) * ${hidden}u + k] * weight[(${gate}) * ${hidden}u + k];
}
rec[(b * ${time}u + t) * ${gates * hidden}u + ${gate}] = sum; }`;
  });
  const printed = printFormula(formula, { input: inputs(kernel), index: "0u" });
  const [next, ...others] = printed.outputs;
  const stores = stage < cell.stages.length - 1 ? [`given${stage}${row("t")} = ${next};`] : [
    `y${row("t")} = ${next};`,
    `if (t != ${order.last}u) { hprev${
      row(order.direction === 1 ? "t + 1u" : "t - 1u")
    } = ${next}; }`,
    ...others.map((name, k) =>
      `over${k + 1}[(b * ${time + 1}u + t + ${order.after}u) * ${hidden}u + j] = ${name};`
    ),
  ];
  const lines = [head(kernel, groups), ...products, ...printed.lines, ...stores, "}"];
  return declareBindings(forwardBindings(kernel), 1) + lines.join("\n") + "\n";
}

function plainBack(kernel: StepKernel, groups: Groups): string {
  const { cell, stage, time, hidden, gates, order } = kernel;
  const last = stage === cell.stages.length - 1;
  const next = last ? 0 : stage + 1;
  const { formula, live } = stageGradient(cell, stage);
  const from = firstGate(cell, next) * hidden;
  const to = from + (cell.stages[next] as Stage).gates * hidden;
  const at = !last ? "t" : order.direction === 1 ? "t + 1u" : "t - 1u";
  const state = (row: number) => `[(b * ${time + 1}u + t + ${row}u) * ${hidden}u + j]`;
  const flows = ["flow", ...range(cell.states).slice(1).map((k) => `dstate${k}[i]`)];
  const input = [...inputs(kernel), ...flows];
  const printed = printFormula(formula, { input, index: "0u" });
  const assign = last ? "=" : "+=";
  const stores = printed.outputs.flatMap((value, i) => {
    const gate = `[((b * ${time}u + t) * ${gates}u + ${i % gates}u) * ${hidden}u + j]`;
    const dead = !live.includes(i) && (!last || i >= 2 * gates);
    if (dead || (i < gates && sharesGateGradients(cell))) return [];
    if (i < gates) return [`dxw${gate} ${assign} ${value};`];
    if (i < 2 * gates) return [`drec${gate} ${assign} ${value};`];
    if (i === 2 * gates) return [`dh${state(order.before)} += ${value};`];
    return [`dstate${i - 2 * gates}[i] ${assign} ${value};`];
  });
  const lines = [
    head(kernel, groups),
    "var flow = 0.0f;",
    ...last ? [`flow = dh${state(order.after)};`, `if (t != ${order.last}u) {`] : ["{"],
    `for (var n = ${from}u; n < ${to}u; n++) {`,
    `  flow += drec[(b * ${time}u + ${at}) * ${gates * hidden}u + n] * weight[n * ${hidden}u + j];`,
    "} }",
    ...last ? [`dh${state(order.after)} = flow;`] : [],
    ...printed.lines,
    ...stores,
    "}",
  ];
  return declareBindings(backwardBindings(kernel), 1) + lines.join("\n") + "\n";
}

/** The op's launches, with the kernels of each step replaced by those of `print`. */
function plain(
  op: Op,
  print: (kernel: StepKernel, groups: Groups) => string,
  stagesOf: (cell: Cell) => readonly number[],
): Twin["launch"] {
  return (io: Io<Spec>, attrs: RecurrenceAttrs, target: Target): Launch[] => {
    const { cell } = attrs;
    const sizes = recurrenceSizes(io.inputs[0], io.inputs[1], attrs);
    const order = orderOf(sizes.time, attrs);
    const groups = linearGroups(sizes.batch * sizes.hidden, target.groups);
    const kernels = stagesOf(cell).map((stage) =>
      print({ ...sizes, cell, stage, order, tile: [1, 4], group: [1, 1] }, groups)
    );
    const [begin, ...others] = op.launch(io, attrs, target);
    const end = others.pop() as Launch;
    const steps = others.map(({ bindings }, i) => ({
      wgsl: kernels[i % kernels.length] as string,
      bindings,
      groups,
    }));
    return [begin as Launch, ...steps, end];
  };
}

/** Forward: one thread per unit and row. */
export const recurrenceTwin: Twin = {
  fills: [0],
  launch: plain(recurrenceOp, plainStep, ({ stages }) => stages.map((_, k) => k)),
};

/** Backward: one thread per unit and row. */
export const recurrenceBackwardTwin: Twin = {
  fills: [0, 1, 2],
  launch: plain(recurrenceBackwardOp, plainBack, ({ stages }) => stages.map((_, k) => k).reverse()),
};
