/**
 * The last layer of a model, found in its trace: logits that are made row by row from x [..., D] by
 * a matrix, and by what may follow it elementwise. So they can be made for some rows alone. It
 * knows no model. R rows, D width, V vocabulary.
 */
import { broadcastKindOf, pointwise, pointwiseOp } from "../../kernels/pointwise/mod.ts";
import { matmul, matmulOp } from "../../kernels/matmul/mod.ts";
import { slice } from "../../kernels/shape/mod.ts";
import { sizeOf } from "../base/shape.ts";
import { keyInputs } from "../graph/formula.ts";
import type { Call, Tensor } from "../graph/types.ts";

/** A layer that makes logits of rows. */
export interface Head {
  /** [..., D] */
  readonly x: Tensor;
  /** What it makes logits with: the matrix, a bias. */
  readonly weights: readonly Tensor[];
  /** Logits [R, V] of rows [R, D]. */
  readonly logits: (rows: Tensor) => Tensor;
}

/** Some of the rows. */
export interface HeadRows {
  readonly first: number;
  readonly count: number;
}

/** The layer behind `logits` [..., V]; undefined where they are not made row by row. */
export function findHead(logits: Tensor): Head | undefined {
  const { calls } = logits.trace;
  const behind: [call: Call<Tensor>, input: number][] = [];
  for (let made = logits;;) {
    const call = calls.find(({ outputs }) => outputs[0] === made);
    if (call?.op === matmulOp) return headFrom(call, behind);
    const input = call === undefined ? -1 : rowInput(call);
    if (call === undefined || input < 0) return undefined;
    behind.unshift([call, input]);
    made = call.inputs[input] as Tensor;
  }
}

/** The only input of an elementwise call that has rows; -1 where that is not all it depends on. */
function rowInput({ op, attrs, inputs, outputs: [out] }: Call<Tensor>): number {
  if (op !== pointwiseOp || attrs.donate !== undefined || out === undefined) return -1;
  // What is drawn at random depends on an element's number.
  if (keyInputs(attrs.formula).size > 0) return -1;
  const columns = out.shape.at(-1) as number;
  const isFull = inputs.map((t) => broadcastKindOf(t, out) === "full");
  const fits = inputs.every((t, i) => isFull[i] || columns % sizeOf(t.shape) === 0);
  return fits && isFull.filter(Boolean).length === 1 ? isFull.indexOf(true) : -1;
}

function headFrom(
  { inputs: [x, matrix], attrs: { ta, tb, epilogue } }: Call<Tensor>,
  behind: readonly [call: Call<Tensor>, input: number][],
): Head | undefined {
  if (!x || !matrix || ta || epilogue !== undefined || matrix.shape.length !== 2) return undefined;
  const others = behind.flatMap(([{ inputs }, input]) => inputs.filter((_, i) => i !== input));
  return {
    x,
    weights: Array.from(new Set([matrix, ...others])),
    logits: (rows) =>
      behind.reduce(
        (made, [{ attrs, inputs }, input]) => pointwise(attrs.formula, inputs.with(input, made)),
        matmul(rows, matrix, { tb }),
      ),
  };
}

/** Rows of x [..., D]: [count, D]. */
export function headRowsOf(x: Tensor, { first, count }: HeadRows): Tensor {
  const width = x.shape.at(-1) as number;
  return slice(x, { first: first * width, shape: [count, width] });
}

/**
 * Cuts `rows` rows into as few parts of at most `most` rows as there can be, equal ones unless that
 * makes twice as many.
 */
export function cutRows(rows: number, most: number): HeadRows[] {
  const least = Math.ceil(rows / Math.max(1, most));
  let parts = least;
  while (rows % parts !== 0 && parts < 2 * least) parts++;
  if (rows % parts !== 0) parts = least;
  const count = Math.ceil(rows / parts);
  return Array.from({ length: parts }, (_, i) => ({
    first: i * count,
    count: Math.min(count, rows - i * count),
  })).filter((part) => part.count > 0);
}
