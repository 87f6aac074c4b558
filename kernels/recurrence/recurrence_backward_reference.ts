/**
 * The gradient of a recurrence in plain loops: the reference that kernels are tested against.
 * Letters as in recurrence_sizes.ts.
 */
import type { Io, View } from "../../src/graph/types.ts";
import type { Stage } from "./cells.ts";
import { firstGate } from "./cells.ts";
import { sharesGateGradients, stageGradient } from "./cells_grad.ts";
import { valuesOf } from "./recurrence_reference.ts";
import { backwardIndices, orderOf, recurrenceSizes, recurrenceSteps } from "./recurrence_sizes.ts";
import type { RecurrenceBackwardAttrs } from "./recurrence_sizes.ts";

/** Fills the outputs of the backward op. */
export function recurBackwardReference(
  { inputs, outputs }: Io<View>,
  attrs: RecurrenceBackwardAttrs,
): void {
  const { cell, flows } = attrs;
  const [xw, weight, rec, hprev] = inputs as [View, View, View, View];
  const { batch, time, hidden, gates } = recurrenceSizes(xw, weight, attrs);
  const indices = backwardIndices(cell, flows);
  const order = orderOf(time, attrs);
  const out = (k: number) => (outputs[k] as View).data;
  const [drec, dh] = [out(0), out(1)];
  const dxw = sharesGateGradients(cell) ? undefined : out(indices.dxw);
  const gradients = cell.stages.map((_, k) => stageGradient(cell, k).formula);
  const flowOf = (k: number) => flows[k] ? (inputs[indices.flow(k)] as View).data : undefined;

  /** Maps gradients of the states after step t to those before it; writes those of the gates. */
  const step = (b: number, t: number, dstates: readonly Float64Array[]): Float64Array[] => {
    const row = b * time + t;
    const input = (i: number, j: number): number => {
      if (i < gates) return xw.data[(row * gates + i) * hidden + j] as number;
      if (i < 2 * gates) return rec.data[(row * gates + i - gates) * hidden + j] as number;
      if (i === 2 * gates) return hprev.data[row * hidden + j] as number;
      const over = inputs[indices.over(i - 2 * gates)] as View;
      return over.data[(b * (time + 1) + t + order.before) * hidden + j] as number;
    };
    // Gradients of x gates, r gates and states.
    const sums = Array.from({ length: 2 * gates + cell.states }, () => new Float64Array(hidden));
    let arrived = dstates;
    for (let stage = cell.stages.length - 1; stage >= 0; stage--) {
      const { gates: own } = cell.stages[stage] as Stage;
      const formula = gradients[stage] as Stage["formula"];
      for (let j = 0; j < hidden; j++) {
        valuesOf(
          formula,
          (i) => i < sums.length ? input(i, j) : arrived[i - sums.length]?.[j] as number,
        ).forEach((value, i) => ((sums[i] as Float64Array)[j] as number) += value);
      }
      const first = firstGate(cell, stage);
      const source = new Float64Array(hidden);
      for (let n = first * hidden; n < (first + own) * hidden; n++) {
        const flow = sums[gates + Math.floor(n / hidden)]?.[n % hidden] as number;
        for (let k = 0; k < hidden; k++) {
          (source[k] as number) += flow * (weight.data[n * hidden + k] as number);
        }
      }
      if (stage > 0) arrived = [source];
      else source.forEach((value, k) => ((sums[2 * gates] as Float64Array)[k] as number) += value);
    }
    for (let g = 0; g < gates; g++) {
      const at = (row * gates + g) * hidden;
      dxw?.set(sums[g] as Float64Array, at);
      drec.set(sums[gates + g] as Float64Array, at);
    }
    return sums.slice(2 * gates);
  };

  for (let b = 0; b < batch; b++) {
    let dstates: Float64Array[] = Array.from({ length: cell.states }, (_, k) => {
      const from = flowOf(1 + k)?.subarray(b * hidden, (b + 1) * hidden);
      return Float64Array.from(from ?? new Float64Array(hidden));
    });
    for (const t of recurrenceSteps(order).reverse()) {
      const dy = flowOf(0)?.subarray((b * time + t) * hidden, (b * time + t + 1) * hidden);
      const [first] = dstates as [Float64Array];
      dy?.forEach((value, j) => (first[j] as number) += value);
      dh.set(first, (b * (time + 1) + t + order.after) * hidden);
      dstates = step(b, t, dstates);
    }
    dh.set(dstates[0] as Float64Array, (b * (time + 1) + order.first + order.before) * hidden);
    dstates.forEach((values, k) => out(indices.dstate(k)).set(values, b * hidden));
  }
}
