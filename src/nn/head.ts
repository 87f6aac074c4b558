/**
 * Finds the output layer of a model in its trace: a matmul of x [..., D] with a matrix, then
 * elementwise ops. Each row of logits depends on one row of x, so the loss can compute logits in
 * chunks of rows. R rows, D width, V vocabulary.
 */
import { broadcastKindOf, pointwise, pointwiseOp } from "../../kernels/pointwise/mod.ts";
import { matmul, matmulOp } from "../../kernels/matmul/mod.ts";
import { slice } from "../../kernels/shape/mod.ts";
import { sizeOf } from "../base/shape.ts";
import { keyInputs } from "../graph/formula.ts";
import type { Call, Tensor } from "../graph/types.ts";

/** An output layer. */
export interface Head {
  /** Input of the layer: [..., D]. */
  readonly x: Tensor;
  /** Its other inputs: the matrix, a bias. */
  readonly weights: readonly Tensor[];
  /** Traces logits [R, V] of rows [R, D]. */
  readonly logits: (rows: Tensor) => Tensor;
}

/** A range of rows. */
export interface HeadRows {
  readonly first: number;
  readonly count: number;
}

/** The layer that computes `logits` [..., V]; undefined if it is not row-wise. */
export function findHead(logits: Tensor): Head | undefined {
  const { calls } = logits.trace;
  const elementwise: [call: Call<Tensor>, input: number][] = [];
  for (let output = logits;;) {
    const call = calls.find(({ outputs }) => outputs[0] === output);
    if (call?.op === matmulOp) return headFrom(call, elementwise);
    const input = call === undefined ? -1 : rowInput(call);
    if (call === undefined || input < 0) return undefined;
    elementwise.unshift([call, input]);
    output = call.inputs[input] as Tensor;
  }
}

/** Index of the only input with rows of a row-wise elementwise call; -1 for other calls. */
function rowInput({ op, attrs, inputs, outputs: [out] }: Call<Tensor>): number {
  if (op !== pointwiseOp || attrs.donate !== undefined || out === undefined) return -1;
  // Random masks depend on the element's index, which changes in a chunk.
  if (keyInputs(attrs.formula).size > 0) return -1;
  const columns = out.shape.at(-1) as number;
  const kinds = inputs.map((t) => broadcastKindOf(t, out));
  const isFull = kinds.map((kind) => kind === "full");
  const repeats = (t: Tensor, i: number) => kinds[i] !== "row" && columns % sizeOf(t.shape) === 0;
  const fits = inputs.every((t, i) => isFull[i] || repeats(t, i));
  return fits && isFull.filter(Boolean).length === 1 ? isFull.indexOf(true) : -1;
}

function headFrom(
  { inputs: [x, matrix], attrs: { ta, tb, epilogue } }: Call<Tensor>,
  elementwise: readonly [call: Call<Tensor>, input: number][],
): Head | undefined {
  if (!x || !matrix || ta || epilogue !== undefined || matrix.shape.length !== 2) return undefined;
  const others = elementwise.flatMap(([{ inputs }, input]) => inputs.filter((_, i) => i !== input));
  return {
    x,
    weights: Array.from(new Set([matrix, ...others])),
    logits: (rows) =>
      elementwise.reduce(
        (value, [{ attrs, inputs }, input]) => pointwise(attrs.formula, inputs.with(input, value)),
        matmul(rows, matrix, { tb }),
      ),
  };
}

/** A range of rows of x [..., D]: [count, D]. */
export function headRowsOf(x: Tensor, { first, count }: HeadRows): Tensor {
  const width = x.shape.at(-1) as number;
  return slice(x, { first: first * width, shape: [count, width] });
}

/**
 * Splits `rows` rows into the fewest chunks of at most `most` rows; into equal chunks, if that
 * takes less than twice as many.
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
