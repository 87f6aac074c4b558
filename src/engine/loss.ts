/**
 * Traces the loss of logits and its gradients. If the logits of all rows exceed the limit of a
 * binding, the loss is chunked by rows: the logits of one chunk are computed and differentiated
 * before the next, so that only one is in memory. The weight gradient of the head accumulates over
 * the chunks, in the order of a single sum if its kernel adds along K. R rows, D width, V
 * vocabulary.
 */
import { correct, crossEntropy } from "../../kernels/cross_entropy/mod.ts";
import { addProduct } from "../../kernels/matmul/mod.ts";
import { pointwise } from "../../kernels/pointwise/mod.ts";
import { allocate, slice, updateSlice } from "../../kernels/shape/mod.ts";
import { sum } from "../../kernels/reduce/mod.ts";
import { LEAST_BINDING } from "../base/binding.ts";
import type { Shape } from "../base/shape.ts";
import { sizeOf } from "../base/shape.ts";
import { backpropagate, gradients } from "../graph/reverse.ts";
import type { Call, Grad, Tensor } from "../graph/types.ts";
import { SUM } from "../nn/formulas.ts";
import type { Head, HeadRows } from "../nn/head.ts";
import { cutRows, findHead, headRowsOf } from "../nn/head.ts";

/** Logits [..., V] and targets, u32 [...]. */
export interface LossInputs {
  readonly logits: Tensor;
  readonly targets: Tensor;
}

/** Options of a traced loss. */
export interface LossOptions {
  /**
   * Largest logits of a chunk in bytes; equal on all devices, so that workers compute the same
   * bits.
   */
  readonly most?: number;
}

/** Sum of the losses of all rows, and the number of correct predictions; each [1]. */
export function evaluateLoss(
  inputs: LossInputs,
  options: LossOptions = {},
): { loss: Tensor; correct: Tensor } {
  const { logits, targets } = inputs;
  const cut = cutOf(inputs, options);
  if (cut === undefined) {
    return { loss: sum(crossEntropy(logits, targets)), correct: sum(correct(logits, targets)) };
  }
  const [losses, matches] = [new Concatenation(targets.shape), new Concatenation(targets.shape)];
  for (const rows of cut.parts) {
    const part = cut.head.logits(headRowsOf(cut.head.x, rows));
    const labels = labelsOf(targets, rows);
    losses.add(crossEntropy(part, labels));
    matches.add(correct(part, labels));
  }
  return { loss: sum(losses.whole), correct: sum(matches.whole) };
}

/** Concatenates parts in order, each copied to its position as soon as it is computed. */
class Concatenation {
  readonly #shape: Shape;
  #whole: Tensor | undefined;
  #next = 0;

  constructor(shape: Shape) {
    this.#shape = shape;
  }

  add(part: Tensor): void {
    const first = this.#next;
    this.#next += sizeOf(part.shape);
    this.#whole = this.#whole === undefined
      ? allocate(part, this.#shape)
      : updateSlice(this.#whole, part, { first });
  }

  get whole(): Tensor {
    if (this.#whole === undefined) {
      throw new RangeError("Cannot gather parts: need at least one: 0");
    }
    return this.#whole;
  }
}

/**
 * `share` of the sum of all losses, and its gradients with respect to `wanted`. `share` must be
 * linear, since it is also applied to each chunk's sum.
 */
export function differentiate(
  inputs: LossInputs,
  { share, wanted, ...options }: LossOptions & {
    readonly share: (total: Tensor) => Tensor;
    readonly wanted: readonly Tensor[];
  },
): { loss: Tensor; flows: readonly Grad[] } {
  const { logits, targets } = inputs;
  const { trace } = logits;
  const seedOf = () => trace.constant([1], Float32Array.of(1));
  const cut = cutOf(inputs, options);
  if (cut === undefined) {
    const loss = share(sum(crossEntropy(logits, targets)));
    return { loss, flows: gradients(loss, wanted, { seed: seedOf(), add }) };
  }
  const { head: { x, weights, logits: made }, parts } = cut;
  const [model, seed] = [[...trace.calls], seedOf()];
  const flows = new Map<Tensor, Tensor>();
  const [losses, dx] = [new Concatenation(targets.shape), new Concatenation(x.shape)];
  for (const rows of parts) {
    const [some, labels] = [headRowsOf(x, rows), labelsOf(targets, rows)];
    const before = trace.calls.length;
    const part = crossEntropy(made(some), labels);
    const known = new Map([[share(sum(part)), seed]]);
    const calls = trace.calls.slice(before);
    const [flow, ...into] = backpropagate([some, ...weights], known, { calls, add });
    losses.add(part);
    dx.add(flow as Tensor);
    weights.forEach((weight, i) => {
      const [sofar, more] = [flows.get(weight), into[i]];
      if (more !== undefined) flows.set(weight, sofar === undefined ? more : addOnto(sofar, more));
    });
  }
  const loss = share(sum(losses.whole));
  flows.set(x, dx.whole);
  return { loss, flows: backpropagate(wanted, flows, { calls: model, add }) };
}

/** The head and its chunks of rows; undefined if the logits are small enough. */
function cutOf(
  { logits, targets }: LossInputs,
  { most = LEAST_BINDING }: LossOptions,
): { head: Head; parts: readonly HeadRows[] } | undefined {
  if (4 * sizeOf(logits.shape) <= most) return undefined;
  const head = findHead(logits);
  const parts = cutRows(
    sizeOf(targets.shape),
    Math.floor(most / 4 / (logits.shape.at(-1) as number)),
  );
  return head === undefined || parts.length < 2 ? undefined : { head, parts };
}

function labelsOf(targets: Tensor, { first, count }: HeadRows): Tensor {
  return slice(targets, { first, shape: [count] });
}

function add(a: Tensor, b: Tensor): Tensor {
  return pointwise(SUM, [a, b]);
}

/** `a` + `b`; in place, and in the order of a single sum, if `b` is a matrix product. */
function addOnto(a: Tensor, b: Tensor): Tensor {
  const call = b.trace.calls.findLast(({ outputs }) => outputs[0] === b) as Call<Tensor>;
  return addProduct(a, call) ?? add(a, b);
}
