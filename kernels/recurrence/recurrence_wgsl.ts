/**
 * Prints one stage of one forward step of a recurrence. An invocation owns a tile of batch rows and
 * hidden units with all their gates, so that the formula needs no values of other invocations. The
 * time step is read from a binding.
 */
import { pruneFormula } from "../../src/graph/formula.ts";
import { printFormula } from "../../src/graph/formula_wgsl.ts";
import type { Stage } from "./cells.ts";
import { firstGate } from "./cells.ts";
import type { Operand } from "../matmul/matmul_wgsl.ts";
import { range } from "../emit/range.ts";
import { bases, loads, products } from "../matmul/matmul_wgsl.ts";
import type { StepBinding, StepKernel } from "./recurrence_step_wgsl.ts";
import {
  batchRows,
  declareBindings,
  eachSum,
  eachUnit,
  inputNames,
  loadInputs,
  sourcesOf,
  stateWidth,
  stepHead,
  sumOver,
  unitRows,
} from "./recurrence_step_wgsl.ts";

/** Bindings of a stage's forward kernel, in order. */
export function forwardBindings({ cell, stage }: StepKernel): StepBinding[] {
  const { formula } = cell.stages[stage] as Stage;
  const last = stage === cell.stages.length - 1;
  const written = last
    ? ["hprev", "y", ...range(cell.states - 1).map((k) => `over${k + 1}`)]
    : [`given${stage}`];
  const source = stage === 0 ? "hprev" : `given${stage - 1}`;
  const outputs = new Set([
    "rec",
    source,
    ...sourcesOf(cell, pruneFormula(formula).used),
    ...written,
  ]);
  outputs.delete("xw");
  return [
    ...["xw", "weight", "bias", "time"].map((name) => ({ name })),
    ...[...outputs].map((name) => ({ name, write: true })),
  ];
}

/** The kernel of one stage of a step; binds {@linkcode forwardBindings}. */
export function printForwardStep(kernel: StepKernel): string {
  const { cell, stage, time, hidden, gates, tile: [rows, units], lanes } = kernel;
  const { gates: own } = cell.stages[stage] as Stage;
  const from = firstGate(cell, stage);
  const width = stateWidth(kernel);
  const narrow = width === 1;
  const source = stage === 0 ? "hprev" : `given${stage - 1}`;
  const row = (at: string) => `(${at}) * ${time}u + t`;
  const past = batchRows(kernel, {
    name: "a",
    buffer: source,
    k: hidden,
    part: { row, narrow },
  });
  const weights = range(own).map((g): Operand =>
    unitRows(kernel, {
      name: `w${g}_`,
      buffer: "weight",
      k: hidden,
      along: false,
      part: { row: (at) => `${at} + ${(from + g) * hidden}u`, narrow },
    })
  );
  const sum = (g: number) => (i: number, q: number) => `c${g}_${i}_${q}`;
  const round = (k: string, steps: number) => [
    ...loads(past, k, steps),
    ...weights.flatMap((w, g) => [
      "{",
      ...loads(w, k, steps),
      ...products(past, w, { steps, sum: sum(g), lanes }),
      "}",
    ]),
  ];
  const h = hidden / width;
  const store = (g: number) =>
    eachSum(kernel, sum(g), (value, b, j) => {
      const gate = (from + g) * h;
      const at = `((${b}) * ${time}u + t) * ${gates * h}u + ${gate}u + ${j}`;
      return `rec[${at}] = ${value} + bias[${gate}u + ${j}];`;
    });
  return declareBindings(forwardBindings(kernel), width) + [
    ...stepHead(kernel),
    ...bases(past),
    ...weights.flatMap(bases),
    ...range(own).flatMap((g) =>
      range(rows).flatMap((i) => range(units / 4).map((q) => `var ${sum(g)(i, q)} = vec4<f32>();`))
    ),
    ...sumOver(hidden, round),
    ...range(own).flatMap(store),
    ...eachUnit(kernel, nextStates(kernel)),
    "}",
  ].join("\n") + "\n";
}

/** Statements that compute a stage's formula for unit `j` of row `b` and store its outputs. */
function nextStates(kernel: StepKernel): string[] {
  const { cell, stage, time, hidden, order } = kernel;
  const { formula } = cell.stages[stage] as Stage;
  const width = stateWidth(kernel);
  const h = hidden / width;
  const printed = printFormula(formula, { input: inputNames(cell), index: "0u", width });
  const row = (at: string) => `[(b * ${time}u + ${at}) * ${h}u + j]`;
  const lines = [...loadInputs(kernel, pruneFormula(formula).used), ...printed.lines];
  const [next, ...others] = printed.outputs;
  if (stage < cell.stages.length - 1) return [...lines, `given${stage}${row("t")} = ${next};`];
  const later = order.direction === 1 ? "t + 1u" : "t - 1u";
  return [
    ...lines,
    `y${row("t")} = ${next};`,
    `if (t != ${order.last}u) { hprev${row(later)} = ${next}; }`,
    ...others.map((name, k) =>
      `over${k + 1}[(b * ${time + 1}u + t + ${order.after}u) * ${h}u + j] = ${name};`
    ),
  ];
}
