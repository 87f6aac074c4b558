/** Elementwise epilogues of matrix products: how they fuse, and what they store. */
import { sizeOf } from "../../src/base/shape.ts";
import { evaluateFormula } from "../../src/graph/formula_eval.ts";
import type { Expr, Formula } from "../../src/graph/formula.ts";
import { formula, substitute } from "../../src/graph/formula.ts";
import type { Absorbed, Call, Io, Op, Tensor, View } from "../../src/graph/types.ts";
import { broadcastKindOf, sourceElement } from "../pointwise/broadcast.ts";
import { pointwiseOp } from "../pointwise/pointwise.ts";

/** The epilogue that stores the sum as it is. */
export const IDENTITY: Formula = formula(1, (sum) => sum as Expr);

/** Largest number of buffers that a fused call binds: every WebGPU adapter allows 8. */
const MAX_BINDINGS = 8;

/**
 * Fuses `next`, a pointwise call that reads the last output of `call` at full size, as the epilogue
 * of the product `op`, whose inputs 2, 3, ... are those of its epilogue.
 */
export function absorbEpilogue(
  op: Op,
  call: Call<Tensor>,
  { next, keep }: { next: Call<Tensor>; keep: boolean },
): Absorbed | undefined {
  if (next.op !== pointwiseOp || next.attrs.donate !== undefined) return undefined;
  const sum = call.outputs.at(-1) as Tensor;
  const value = next.outputs[0] as Tensor;
  if (sizeOf(value.shape) !== sizeOf(sum.shape)) return undefined;
  // The epilogue finds the rows of its inputs by the shape of the product.
  const isRow = (t: Tensor, out: Tensor) => broadcastKindOf(t, out) === "row";
  if (next.inputs.some((t) => isRow(t, value) !== isRow(t, sum))) return undefined;
  const before: Formula = call.attrs.epilogue ?? IDENTITY;
  const inputs = [...call.inputs];
  const inputIndex = (t: Tensor): number => {
    const known = inputs.indexOf(t, 2);
    return (known >= 0 ? known : inputs.push(t) - 1) - 1;
  };
  const last = before.outputs.at(-1) as Expr;
  const args = next.inputs.map((t): Expr =>
    t === sum ? last : { kind: "input", index: inputIndex(t) }
  );
  const after: Formula = next.attrs.formula;
  const kept = keep ? before.outputs : before.outputs.slice(0, -1);
  const outputs = [...kept, ...after.outputs.map((e) => substitute(e, args))];
  if (inputs.length + outputs.length > MAX_BINDINGS) return undefined;
  const epilogue: Formula = { inputs: inputs.length - 1, outputs };
  return { op, attrs: { ...call.attrs, epilogue }, inputs };
}

/** The reference of an epilogue: stores what it makes of the sum of element `index`. */
export function epilogueStore(
  { inputs, outputs }: Io<View>,
  epilogue: Formula | undefined,
): (index: number, sum: number) => void {
  const [y] = outputs as [View, ...View[]];
  if (epilogue === undefined) return (index, sum) => y.data[index] = sum;
  const extra = inputs.slice(2);
  const at = (i: number) => extra[i - 1] as View;
  const sources = extra.map((view) => sourceElement(view, y));
  const key = (i: number) => [at(i).data[0] as number, at(i).data[1] as number] as const;
  return (index, sum) => {
    const input = (i: number) =>
      i === 0 ? sum : at(i).data[sources[i - 1]?.(index) as number] as number;
    evaluateFormula(epilogue, index, { input, key }).forEach((value, i) => {
      (outputs[i] as View).data[index] = value;
    });
  };
}
