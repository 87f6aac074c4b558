/**
 * Prints the kernels before the first and after the last step of a recurrence: copies of initial
 * and last states, and the initialisation of gradients from those of the outputs.
 */
import { linearHead } from "../../src/graph/wgsl.ts";
import { range } from "../emit/range.ts";
import type { RecurrenceSizes, TimeOrder } from "./recurrence_sizes.ts";
import type { StepBinding } from "./recurrence_step_wgsl.ts";
import { declareBindings, stateWidth } from "./recurrence_step_wgsl.ts";

/** Sizes and dispatch of the copies. */
export interface StateCopyKernel extends RecurrenceSizes {
  readonly states: number;
  readonly order: TimeOrder;
  /** Workgroups of a line of {@linkcode copyInvocations} invocations. */
  readonly groups: readonly [number, number, number];
}

/** Number of invocations of either copy. */
export function copyInvocations({ batch, hidden }: { batch: number; hidden: number }): number {
  return batch * hidden / stateWidth({ hidden });
}

/** WGSL of invocation i's index into a tensor [B, rows, H] at `row`. */
function indexAt({ hidden }: StateCopyKernel, rows: number, row: number): string {
  const h = hidden / stateWidth({ hidden });
  return `(i / ${h}u * ${rows}u + ${row}u) * ${h}u + i % ${h}u`;
}

/** Copies initial states into the tensors over time; binds states, then hprev and the others. */
export function printInitialStates(ends: StateCopyKernel): string {
  const { states, time, order } = ends;
  const bindings = [
    ...range(states).map((k) => ({ name: `state${k}` })),
    { name: "hprev", write: true },
    ...range(states - 1).map((k) => ({ name: `over${k + 1}`, write: true })),
  ];
  const row = indexAt(ends, time + 1, order.first + order.before);
  return print(ends, bindings, [
    `hprev[${indexAt(ends, time, order.first)}] = state0[i];`,
    ...range(states - 1).map((k) => `over${k + 1}[${row}] = state${k + 1}[i];`),
  ]);
}

/** Copies last states from y and the states over time; binds these, then the last states. */
export function printFinalStates(ends: StateCopyKernel): string {
  const { states, time, order } = ends;
  const bindings = [
    { name: "y", write: true },
    ...range(states - 1).map((k) => ({ name: `over${k + 1}`, write: true })),
    ...range(states).map((k) => ({ name: `last${k}`, write: true })),
  ];
  const row = indexAt(ends, time + 1, order.last + order.after);
  return print(ends, bindings, [
    `last0[i] = y[${indexAt(ends, time, order.last)}];`,
    ...range(states - 1).map((k) => `last${k + 1}[i] = over${k + 1}[${row}];`),
  ]);
}

function print(
  ends: StateCopyKernel,
  bindings: readonly StepBinding[],
  body: readonly string[],
): string {
  const head = linearHead(copyInvocations(ends), ends.groups);
  return `${declareBindings(bindings, stateWidth(ends))}${head}\n${body.join("\n")}\n}\n`;
}

/** Number of invocations of {@linkcode printIncomingGradients}. */
export function incomingInvocations({ batch, time, hidden }: RecurrenceSizes): number {
  return batch * (time + 1) * hidden / stateWidth({ hidden });
}

/** Bindings of {@linkcode printIncomingGradients}, in order. */
export function incomingBindings(states: number, flows: readonly boolean[]): StepBinding[] {
  const names = ["dy", ...range(states).map((k) => `dlast${k}`)];
  return [
    ...names.filter((_, k) => flows[k]).map((name) => ({ name })),
    ...["dh", ...range(states).slice(1).map((k) => `dstate${k}`)]
      .map((name) => ({ name, write: true })),
  ];
}

/** Initialises dh and the other states' gradients with the gradients of the op's outputs. */
export function printIncomingGradients(ends: StateCopyKernel, flows: readonly boolean[]): string {
  const { time, hidden, order } = ends;
  const width = stateWidth(ends);
  const h = hidden / width;
  const [dy, dlast, ...others] = flows;
  const zero = width === 4 ? "vec4<f32>()" : "0.0f";
  const inside = order.after === 1 ? "p > 0u" : `p < ${time}u`;
  const row = `(b * ${time}u + p - ${order.after}u) * ${h}u + j`;
  return declareBindings(incomingBindings(ends.states, flows), width) + [
    linearHead(incomingInvocations(ends), ends.groups),
    `let j = i % ${h}u;`,
    `let p = i / ${h}u % ${time + 1}u;`,
    `let b = i / ${h * (time + 1)}u;`,
    `var sum = ${zero};`,
    ...dy ? [`if (${inside}) { sum = dy[${row}]; }`] : [],
    ...dlast ? [`if (p == ${order.last + order.after}u) { sum += dlast0[b * ${h}u + j]; }`] : [],
    "dh[i] = sum;",
    ...others.map((there, k) => {
      const value = there ? `dlast${k + 1}[b * ${h}u + j]` : zero;
      return `if (p == 0u) { dstate${k + 1}[b * ${h}u + j] = ${value}; }`;
    }),
    "}",
  ].join("\n") + "\n";
}
