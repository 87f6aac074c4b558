/**
 * Traces the terms of a loss and their gradients. If the logits of a head exceed the limit of a
 * binding, its sums are chunked by rows: the logits of one chunk are computed and differentiated
 * before the next, so that only one is in memory. The weight gradient of the head accumulates over
 * the chunks, in the order of a single sum if its kernel adds along K. R rows, K classes.
 */
import { addProduct } from "../../kernels/matmul/mod.ts";
import { pointwise } from "../../kernels/pointwise/mod.ts";
import { sum } from "../../kernels/reduce/mod.ts";
import { slice } from "../../kernels/shape/mod.ts";
import { LEAST_BINDING } from "../base/binding.ts";
import { sameShape, showShape, sizeOf } from "../base/shape.ts";
import { backpropagate } from "../graph/reverse.ts";
import type { Call, Grad, Tensor, Trace } from "../graph/types.ts";
import { SUM } from "../nn/formulas.ts";
import { cutRows, type Head, type HeadRows, headRowsOf } from "../nn/head.ts";
import { scaled } from "../nn/layers.ts";
import { isRowSum, type LossTerms, type RowSum, type Term } from "../nn/terms.ts";
import { Concatenation } from "./concatenation.ts";

/** Options of a traced loss. */
export interface LossOptions {
  /**
   * Largest logits of a chunk in bytes; equal on all devices, so that workers compute the same
   * bits.
   */
  readonly most?: number;
}

/** The sum of each term over a micro-batch, each [1], by name. */
export function evaluateTerms(
  terms: LossTerms,
  options: LossOptions = {},
): Readonly<Record<string, Tensor>> {
  const sums: Record<string, Tensor> = sumsOfTensors(terms);
  for (const group of groupsOf(terms)) {
    const { head, sums: named } = group;
    const parts = partsOf(group, options);
    if (parts === undefined) {
      const logits = head.logits(head.x);
      for (const [name, { labels, of }] of named) sums[name] = sum(of(logits, labels));
      continue;
    }
    const values = named.map(([, { labels }]) => new Concatenation(labels.shape));
    for (const rows of parts) {
      const logits = head.logits(headRowsOf(head.x, rows));
      named.forEach(([, { labels, of }], i) => values[i]?.add(of(logits, labelsOf(labels, rows))));
    }
    named.forEach(([name], i) => sums[name] = sum((values[i] as Concatenation).whole));
  }
  return Object.fromEntries(Object.keys(terms).map((name) => [name, sums[name] as Tensor]));
}

/** Options of {@linkcode differentiate}. */
export interface DifferentiateOptions extends LossOptions {
  readonly trace: Trace;
  /**
   * A term's share of the step's mean from its sum over the micro-batch; linear, since it is also
   * applied to each chunk's sum.
   */
  readonly share: (sum: Tensor, term: Term) => Tensor;
  /** Tensors whose gradients are wanted. */
  readonly wanted: readonly Tensor[];
}

/** A loss and its gradients. */
export interface Differentiated {
  /** The weighted sum of all shares, [1]. */
  readonly loss: Tensor;
  /** The share of each term with a weight, [1]. */
  readonly shares: Readonly<Record<string, Tensor>>;
  readonly flows: readonly Grad[];
}

/**
 * The loss of all terms with a weight, and its gradients with respect to `wanted`.
 * @throws {RangeError} without such a term, or for a sum that is not f32 [1].
 */
export function differentiate(terms: LossTerms, options: DifferentiateOptions): Differentiated {
  const { trace, share, wanted } = options;
  const trained = trainedOf(terms);
  const names = Object.keys(trained);
  if (names.length === 0) throw new RangeError("Cannot train: no term of the loss has a weight");
  const shares = new Map<string, Tensor>();
  const put = (name: string, total: Tensor) =>
    shares.set(name, share(total, trained[name] as Term));
  const weighted = (name: string) =>
    scaled(shares.get(name) as Tensor, (trained[name] as Term).weight);
  for (const [name, total] of Object.entries(sumsOfTensors(trained))) put(name, total);
  const groups = groupsOf(trained);
  const chunked = groups.flatMap((group) => {
    const parts = partsOf(group, options);
    if (parts !== undefined) return [{ group, parts }];
    const logits = group.head.logits(group.head.x);
    for (const [name, { labels, of }] of group.sums) put(name, sum(of(logits, labels)));
    return [];
  });
  const whole = new Map(Array.from(shares.keys(), (name) => [name, weighted(name)]));
  const seed = trace.constant([1], Float32Array.of(1));
  const known = new Map(Array.from(whole.values(), (root) => [root, seed]));
  const calls = [...trace.calls];
  for (const { group, parts } of chunked) {
    const { flows, values } = differentiateChunks(group, {
      parts,
      seed,
      root: (name, total) =>
        scaled(share(total, trained[name] as Term), trained[name]?.weight ?? 0),
    });
    for (const [tensor, flow] of flows) {
      const before = known.get(tensor);
      known.set(tensor, before === undefined ? flow : add(before, flow));
    }
    for (const [name, losses] of values) put(name, sum(losses));
  }
  const loss = names.map((name) => whole.get(name) ?? weighted(name)).reduce(add);
  return {
    loss,
    shares: Object.fromEntries(names.map((name) => [name, shares.get(name) as Tensor])),
    flows: backpropagate(wanted, known, { calls, add }),
  };
}

/** The terms with a weight. */
export function trainedOf(terms: LossTerms): LossTerms {
  return Object.fromEntries(Object.entries(terms).filter(([, { weight }]) => weight !== 0));
}

/** Sums over the rows of one head, by name: its logits are computed once for all. */
interface Group {
  readonly head: Head;
  readonly sums: readonly (readonly [name: string, sum: RowSum])[];
}

function groupsOf(terms: LossTerms): readonly Group[] {
  const groups = new Map<Head, (readonly [string, RowSum])[]>();
  for (const [name, { sum }] of Object.entries(terms)) {
    if (!isRowSum(sum)) continue;
    groups.set(sum.head, [...groups.get(sum.head) ?? [], [name, sum]]);
  }
  return Array.from(groups, ([head, sums]) => ({ head, sums }));
}

/** The terms that are tensors. @throws {RangeError} for one that is not f32 [1]. */
function sumsOfTensors(terms: LossTerms): Record<string, Tensor> {
  const sums: Record<string, Tensor> = {};
  for (const [name, { sum }] of Object.entries(terms)) {
    if (isRowSum(sum)) continue;
    if (sum.dtype !== "f32" || !sameShape(sum.shape, [1])) {
      throw new RangeError(
        `Cannot add the loss term ${name}: need a sum f32 [1]: ${sum.dtype} ${
          showShape(sum.shape)
        }`,
      );
    }
    sums[name] = sum;
  }
  return sums;
}

/**
 * Computes and differentiates a group's sums chunk by chunk: the gradients of the head's input and
 * weights, and the values of all rows by name.
 */
function differentiateChunks(
  { head, sums }: Group,
  { parts, seed, root }: {
    readonly parts: readonly HeadRows[];
    readonly seed: Tensor;
    /** A term's part of the loss from a sum of it. */
    readonly root: (name: string, sum: Tensor) => Tensor;
  },
): { flows: ReadonlyMap<Tensor, Tensor>; values: ReadonlyMap<string, Tensor> } {
  const { x, weights } = head;
  const { trace } = x;
  const flows = new Map<Tensor, Tensor>();
  const dx = new Concatenation(x.shape);
  const values = new Map(sums.map(([name, { labels }]) => [name, new Concatenation(labels.shape)]));
  for (const rows of parts) {
    const some = headRowsOf(x, rows);
    const cuts = sums.map(([, { labels }]) => labelsOf(labels, rows));
    const before = trace.calls.length;
    const logits = head.logits(some);
    const own = sums.map(([, { of }], i) => of(logits, cuts[i] as Tensor));
    const known = new Map(own.map((part, i) => [root(sums[i]?.[0] as string, sum(part)), seed]));
    const calls = trace.calls.slice(before);
    const [flow, ...into] = backpropagate([some, ...weights], known, { calls, add });
    sums.forEach(([name], i) => values.get(name)?.add(own[i] as Tensor));
    dx.add(flow as Tensor);
    weights.forEach((weight, i) => {
      const [sofar, more] = [flows.get(weight), into[i]];
      if (more !== undefined) flows.set(weight, sofar === undefined ? more : addOnto(sofar, more));
    });
  }
  flows.set(x, dx.whole);
  return {
    flows,
    values: new Map(Array.from(values, ([name, value]) => [name, value.whole])),
  };
}

/** The chunks of a group's rows; undefined if its logits are small enough. */
function partsOf(
  { head, sums }: Group,
  { most = LEAST_BINDING }: LossOptions,
): readonly HeadRows[] | undefined {
  const rows = sizeOf(head.x.shape) / (head.x.shape.at(-1) as number);
  for (const [name, { labels }] of sums) {
    if (sizeOf(labels.shape) === rows) continue;
    throw new RangeError(
      `Cannot add the loss term ${name}: need a label for each of ${rows} rows: ` +
        showShape(labels.shape),
    );
  }
  if (4 * rows * head.classes <= most) return undefined;
  const parts = cutRows(rows, Math.floor(most / 4 / head.classes));
  return parts.length < 2 ? undefined : parts;
}

function labelsOf(labels: Tensor, { first, count }: HeadRows): Tensor {
  return slice(labels, { first, shape: [count] });
}

function add(a: Tensor, b: Tensor): Tensor {
  return pointwise(SUM, [a, b]);
}

/** `a` + `b`; in place, and in the order of a single sum, if `b` is a matrix product. */
function addOnto(a: Tensor, b: Tensor): Tensor {
  const call = b.trace.calls.findLast(({ outputs }) => outputs[0] === b) as Call<Tensor>;
  return addProduct(a, call) ?? add(a, b);
}
