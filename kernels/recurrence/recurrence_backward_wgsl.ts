/**
 * Prints the kernels of a recurrence's backward pass: a step of one stage, and the gradient of the
 * initial state. Each sum is computed by one invocation, in a fixed order.
 */
import { pruneFormula } from "../../src/graph/formula.ts";
import { printFormula } from "../../src/graph/formula_wgsl.ts";
import type { Stage } from "./cells.ts";
import { firstGate } from "./cells.ts";
import { storedGradients } from "./cells_grad.ts";
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

const sum = (i: number, q: number) => `c${i}_${q}`;

/** Statements that compute drec at time `at` times the weight of stage `of`, into the sums. */
function product(
  kernel: StepKernel,
  { of, at, unless }: { of: number; at: string; unless?: string },
): string[] {
  const { cell, time, hidden, gates, tile: [rows, units], lanes } = kernel;
  const narrow = stateWidth(kernel) === 1;
  const k = (cell.stages[of] as Stage).gates * hidden;
  const skip = firstGate(cell, of) * hidden;
  const row = (b: string) => `(${b}) * ${time}u + ${at}`;
  const a = batchRows(kernel, {
    name: "a",
    buffer: "drec",
    k,
    part: { row, stride: gates * hidden, skip, narrow },
  });
  const w = unitRows(kernel, {
    name: "w",
    buffer: "weight",
    k,
    along: true,
    part: { skip, narrow },
  });
  const round = (at: string, steps: number) => [
    ...loads(a, at, steps),
    ...loads(w, at, steps),
    ...products(a, w, { steps, sum, lanes }),
  ];
  const only = unless === undefined
    ? {}
    : { end: `select(${k - k % 4}u, 0u, ${unless})`, when: `!(${unless})` };
  return [
    ...bases(a),
    ...bases(w),
    ...range(rows).flatMap((i) => range(units / 4).map((q) => `var ${sum(i, q)} = vec4<f32>();`)),
    ...sumOver(k, round, only),
  ];
}

/** Inside {@linkcode eachUnit}: selects the element's sum, since registers cannot be indexed. */
function pick(kernel: StepKernel): string[] {
  const { tile: [rows, units] } = kernel;
  const wide = stateWidth(kernel) === 4;
  const sums = range(rows).flatMap((i) =>
    range(units).filter((l) => !wide || l % 4 === 0).map((l) => ({
      name: wide ? sum(i, l / 4) : `${sum(i, l >> 2)}[${l & 3}]`,
      place: wide ? i * units / 4 + l / 4 : i * units + l,
    }))
  );
  const [first, ...others] = sums;
  return [
    `let me = i * ${wide ? units / 4 : units}u + l;`,
    `var flow = ${first?.name};`,
    ...others.map(({ name, place }) => `flow = select(flow, ${name}, me == ${place}u);`),
  ];
}

/** Names of the tensors that a stage's backward kernel binds, in order. */
export function backwardBindings(kernel: StepKernel): StepBinding[] {
  const { cell, stage } = kernel;
  const { gates, states } = cell;
  const { live, formula } = storedGradients(kernel.cell, kernel.stage);
  const { used } = pruneFormula(formula);
  const last = stage === cell.stages.length - 1;
  const reads = [...sourcesOf(cell, used.filter((i) => i < 2 * gates + states)), "weight", "time"];
  const dstates = range(states).slice(1).filter((k) => last || live.includes(2 * gates + k));
  const writes = [
    ...live.some((i) => i < gates) ? ["dxw"] : [],
    "drec",
    ...last || live.includes(2 * gates) ? ["dh"] : [],
    ...dstates.map((k) => `dstate${k}`),
  ];
  return [
    ...reads.map((name) => ({ name })),
    ...writes.map((name) => ({ name, write: true })),
  ];
}

/** The kernel of one stage of a backward step; binds {@linkcode backwardBindings}. */
export function printBackwardStep(kernel: StepKernel): string {
  const { cell, stage, time, hidden, order } = kernel;
  const last = stage === cell.stages.length - 1;
  const width = stateWidth(kernel);
  const h = hidden / width;
  const { gates, states } = cell;
  const { live, formula } = storedGradients(kernel.cell, kernel.stage);
  const state = (at: number) => `(b * ${time + 1}u + t + ${at}u) * ${h}u + j`;
  const flows = last ? ["dnext", ...range(states).slice(1).map((k) => `d${k}`)] : ["flow"];
  const printed = printFormula(formula, {
    input: [...inputNames(cell), ...flows],
    index: "0u",
    width,
  });
  const assign = last ? "=" : "+=";
  const store = (i: number, value: string): string => {
    const g = i % gates;
    const gate = `(b * ${time}u + t) * ${gates * h}u + ${g * h}u + j`;
    if (i < 2 * gates) return `${i < gates ? "dxw" : "drec"}[${gate}] ${assign} ${value};`;
    if (i === 2 * gates) return `dh[${state(order.before)}] += ${value};`;
    return `dstate${i - 2 * gates}[b * ${h}u + j] ${assign} ${value};`;
  };
  const after = (b: string, j: string) =>
    `((${b}) * ${time + 1}u + t + ${order.after}u) * ${h}u + ${j}`;
  const arrived = last
    ? [
      `let dnext = dh[${after("b", "j")}];`,
      ...range(states).slice(1).map((k) => `let d${k} = dstate${k}[b * ${h}u + j];`),
    ]
    : pick(kernel);
  const { used } = pruneFormula(formula);
  const later = last
    ? { of: 0, at: "later", unless: `t == ${order.last}u` }
    : { of: stage + 1, at: "t" };
  return declareBindings(backwardBindings(kernel), width) + [
    ...stepHead(kernel),
    ...last ? [`let later = ${order.direction === 1 ? "t + 1u" : "t - 1u"};`] : [],
    ...product(kernel, later),
    ...last ? eachSum(kernel, sum, (value, b, j) => `dh[${after(b, j)}] += ${value};`) : [],
    ...eachUnit(kernel, [
      ...arrived,
      ...loadInputs(kernel, used.filter((i) => i < 2 * gates + states)),
      ...printed.lines,
      ...live.map((i, k) => store(i, printed.outputs[k] as string)),
    ]),
    "}",
  ].join("\n") + "\n";
}

/** The kernel of the initial h's gradient; binds weight, drec, dh, dstate0. */
export function printInitialGradient(kernel: StepKernel): string {
  const { time, hidden, order } = kernel;
  const width = stateWidth(kernel);
  const h = hidden / width;
  const first = order.first + order.before;
  const bindings = [
    { name: "weight" },
    ...["drec", "dh", "dstate0"].map((name) => ({ name, write: true })),
  ];
  return declareBindings(bindings, width) + [
    ...stepHead(kernel, { timeless: true }),
    ...product(kernel, { of: 0, at: `${order.first}u` }),
    ...eachSum(kernel, sum, (value, b, j) =>
      [
        `let at = ((${b}) * ${time + 1}u + ${first}u) * ${h}u + ${j};`,
        `dh[at] += ${value};`,
        `dstate0[(${b}) * ${h}u + ${j}] = dh[at];`,
      ].join(" ")),
    "}",
  ].join("\n") + "\n";
}
