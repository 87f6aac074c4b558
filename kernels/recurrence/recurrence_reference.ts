/**
 * A recurrence in plain loops: the reference that kernels are tested against.
 * Letters as in recurrence_sizes.ts.
 */
import { evaluateFormula } from "../../src/graph/formula_eval.ts";
import type { Formula } from "../../src/graph/formula.ts";
import type { Io, View } from "../../src/graph/types.ts";
import type { Stage } from "./cells.ts";
import { firstGate } from "./cells.ts";
import { forwardIndices, orderOf, recurrenceSizes, recurrenceSteps } from "./recurrence_sizes.ts";
import type { RecurrenceAttrs } from "./recurrence_sizes.ts";

/** Values of a formula without random keys. */
export function valuesOf(formula: Formula, input: (k: number) => number): number[] {
  return evaluateFormula(formula, 0, { input, key: () => [0, 0] });
}

/** Fills the outputs of the forward op. */
export function recurReference({ inputs, outputs }: Io<View>, attrs: RecurrenceAttrs): void {
  const { cell } = attrs;
  const [xw, weight, bias] = inputs as [View, View, View];
  const { batch, time, hidden, gates } = recurrenceSizes(xw, weight, attrs);
  const indices = forwardIndices(cell);
  const order = orderOf(time, attrs);
  const out = (k: number) => (outputs[k] as View).data;
  const [y, rec, hprev] = [out(0), out(indices.rec), out(indices.hprev)];
  const states = Array.from(
    { length: cell.states },
    (_, k) => Float64Array.from((inputs[indices.state(k)] as View).data),
  );
  const over = states.slice(1).map((_, k) => out(indices.over(k + 1)));

  const step = (b: number, t: number): void => {
    const row = b * time + t;
    const [h, ...others] = states as [Float64Array, ...Float64Array[]];
    const keep = (at: number) =>
      others.forEach((state, k) => {
        for (let j = 0; j < hidden; j++) {
          (over[k] as View["data"])[(b * (time + 1) + at) * hidden + j] = state[
            b * hidden + j
          ] as number;
        }
      });
    keep(t + order.before);
    for (let j = 0; j < hidden; j++) hprev[row * hidden + j] = h[b * hidden + j] as number;
    let source = h.slice(b * hidden, (b + 1) * hidden);
    cell.stages.forEach(({ gates: own, formula }: Stage, stage) => {
      const first = firstGate(cell, stage) * hidden;
      for (let n = first; n < first + own * hidden; n++) {
        let sum = bias.data[n] as number;
        for (let k = 0; k < hidden; k++) {
          sum += (source[k] as number) * (weight.data[n * hidden + k] as number);
        }
        rec[row * gates * hidden + n] = sum;
      }
      const made = Array.from({ length: hidden }, (_, j) => {
        const gate = (g: number) => (row * gates + g) * hidden + j;
        return valuesOf(formula, (i) => {
          if (i < gates) return xw.data[gate(i)] as number;
          if (i < 2 * gates) return rec[gate(i - gates)] as number;
          return states[i - 2 * gates]?.[b * hidden + j] as number;
        });
      });
      if (stage < cell.stages.length - 1) {
        source = Float64Array.from(made, ([value]) => value as number);
        source.forEach((value, j) => out(indices.given(stage))[row * hidden + j] = value);
        return;
      }
      made.forEach((values, j) =>
        values.forEach((value, k) => (states[k] as Float64Array)[b * hidden + j] = value)
      );
    });
    for (let j = 0; j < hidden; j++) y[row * hidden + j] = h[b * hidden + j] as number;
    keep(t + order.after);
  };

  for (let b = 0; b < batch; b++) recurrenceSteps(order).forEach((t) => step(b, t));
  states.forEach((state, k) => out(indices.last(k)).set(state));
}
