/**
 * The vjp of a recurrence: its backward op, then the gradients of weight and bias as one matmul and
 * one column sum over all steps. Letters as in recurrence_sizes.ts.
 */
import type { Expr } from "../../src/graph/formula.ts";
import { add, formula, mul } from "../../src/graph/formula.ts";
import { apply, applyAll } from "../../src/graph/trace.ts";
import type { Grad, Io, Tensor } from "../../src/graph/types.ts";
import { firstGate } from "./cells.ts";
import { columnSum } from "../reduce/column_sum.ts";
import { matmul } from "../matmul/matmul.ts";
import { pointwise } from "../pointwise/pointwise.ts";
import { recurrenceBackwardOp } from "./recurrence_backward.ts";
import type { RecurrenceAttrs } from "./recurrence_sizes.ts";
import { forwardIndices } from "./recurrence_sizes.ts";

const TIMES = formula(2, (x, y) => mul(x as Expr, y as Expr));
const PLUS = formula(2, (x, y) => add(x as Expr, y as Expr));

/**
 * Gradients of the forward op's inputs.
 * @throws {RangeError} when an output other than y and the last states has a gradient.
 */
export function recurrenceVjp(
  { inputs, outputs }: Io<Tensor>,
  dout: readonly Grad[],
  attrs: RecurrenceAttrs,
): Grad[] {
  const { cell } = attrs;
  const indices = forwardIndices(cell);
  const flows = dout.slice(0, 1 + cell.states);
  if (dout.slice(flows.length).some((flow) => flow !== undefined)) {
    throw new RangeError("Cannot differentiate recurrence: only y and last states have gradients");
  }
  const present = flows.filter((flow) => flow !== undefined);
  if (present.length === 0) return [];
  const [xw, weight] = inputs as [Tensor, Tensor];
  const kept = outputs.slice(indices.rec, indices.given(0));
  const made = applyAll(
    recurrenceBackwardOp,
    [xw, weight, ...kept, inputs[indices.time] as Tensor, ...present],
    { ...attrs, flows: flows.map((flow) => flow !== undefined) },
  );
  const drec = made[0] as Tensor;
  const dstates = made.slice(2, 2 + cell.states);
  const dxw = made[2 + cell.states] ?? drec;
  const columns = [drec.shape.at(-1) as number];
  const dbias = apply(columnSum, [drec], { columns });
  return [dxw, weightGradient(drec, outputs, attrs), dbias, ...dstates, undefined];
}

/** The weight's gradient: drec^T times the input of each stage's product. */
function weightGradient(
  drec: Tensor,
  outputs: readonly Tensor[],
  { cell }: RecurrenceAttrs,
): Tensor {
  const indices = forwardIndices(cell);
  const hprev = outputs[indices.hprev] as Tensor;
  if (cell.stages.length === 1) return matmul(drec, hprev, { ta: true });
  const hidden = hprev.shape.at(-1) as number;
  const parts = cell.stages.map(({ gates }, k) => {
    const first = firstGate(cell, k);
    // 1 for gates of this stage, else 0: masks the rows of other stages.
    const own = Float32Array.from({ length: cell.gates * hidden }, (_, n) => {
      const gate = Math.floor(n / hidden);
      return gate >= first && gate < first + gates ? 1 : 0;
    });
    const source = k === 0 ? hprev : outputs[indices.given(k - 1)] as Tensor;
    const part = pointwise(TIMES, [drec, drec.trace.constant([own.length], own)]);
    return matmul(part, source, { ta: true });
  });
  return parts.reduce((sum, part) => pointwise(PLUS, [sum, part]));
}
