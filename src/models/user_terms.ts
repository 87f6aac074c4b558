/** Loss terms of a user's model, held to what they promise. */
import { sameShape, type Shape, showShape, sizeOf } from "../base/shape.ts";
import type { Tensor } from "../graph/types.ts";
import type { Head } from "../nn/head.ts";
import { isRowSum, type LossTerms, type RowSum, type Term } from "../nn/terms.ts";

/** Calls a function of the user; see callUser(). */
export type UserWork = <T>(what: string, work: () => T, check?: (made: T) => void) => T;

/** @throws {RangeError} for terms of a form that the engine cannot use. */
export function requireTerms(terms: LossTerms): void {
  const all: readonly (readonly [string, Partial<Term>])[] = Object.entries(Object(terms));
  if (all.length === 0) throw new RangeError("need at least one term by name: got none");
  for (const [name, term] of all) {
    const { sum, per, weight, auxiliary = false } = Object(term) as Partial<Term>;
    if (sum === undefined || (per !== "targets" && per !== "micro_batches")) {
      throw new RangeError(`term ${name} needs { sum, per: "targets" | "micro_batches", weight }`);
    }
    if (typeof weight !== "number" || !Number.isFinite(weight)) {
      throw new RangeError(`term ${name} needs a weight that is a number: ${weight}`);
    }
    if (typeof auxiliary !== "boolean") {
      throw new RangeError(`term ${name} needs auxiliary to be true or false: ${auxiliary}`);
    }
    if (typeof sum === "object" && sum !== null && isRowSum(sum)) requireRowSum(sum, name);
    else requireShape(sum as Tensor, [1], `term ${name}: `);
  }
}

function requireRowSum({ head, labels, of }: RowSum, name: string): void {
  const { x, weights, classes, logits } = Object(head) as Partial<Head>;
  if (!isTensor(x) || !Array.isArray(weights) || typeof logits !== "function") {
    throw new RangeError(`term ${name} needs a head { x, weights, classes, logits }`);
  }
  if (!Number.isInteger(classes) || Number(classes) < 1) {
    throw new RangeError(`term ${name} needs a head of at least one class: ${classes}`);
  }
  if (!isTensor(labels) || labels.dtype !== "u32" || typeof of !== "function") {
    throw new RangeError(`term ${name} needs { head, labels: a u32 tensor, of: a function }`);
  }
}

/**
 * Terms whose sums over rows are held to their shapes. The engine calls these functions later than
 * the loss, and once for each chunk of rows.
 */
export function heldTerms(terms: LossTerms, tracing: UserWork): LossTerms {
  // Terms of one head share its logits, so they must share the held head as well.
  const heads = new Map<Head, Head>();
  const held = (head: Head): Head => {
    const known = heads.get(head);
    if (known !== undefined) return known;
    const logits = (rows: Tensor): Tensor =>
      tracing("the logits of the head", () => head.logits(rows), (made) => {
        requireShape(made, [...rows.shape.slice(0, -1), head.classes]);
      });
    const own = { ...head, logits };
    heads.set(head, own);
    return own;
  };
  return Object.fromEntries(
    Object.entries(terms).map(([name, term]): [string, Term] => {
      const { sum } = term;
      if (!isRowSum(sum)) return [name, term];
      const of = (logits: Tensor, labels: Tensor): Tensor =>
        tracing(`the term ${name}`, () => sum.of(logits, labels), (made) => {
          requireRows(made, sizeOf(labels.shape));
        });
      return [name, { ...term, sum: { ...sum, head: held(sum.head), of } }];
    }),
  );
}

/** @throws {RangeError} for anything but a tensor f32 of the wanted shape. */
export function requireShape(tensor: Tensor, wanted: Shape, prefix = ""): void {
  if (isTensor(tensor) && tensor.dtype === "f32" && sameShape(tensor.shape, wanted)) return;
  throw new RangeError(`${prefix}need f32 ${showShape(wanted)}: got ${textOf(tensor)}`);
}

/** @throws {RangeError} for anything but a tensor f32 of a value for each row. */
function requireRows(tensor: Tensor, rows: number): void {
  const isFit = isTensor(tensor) && tensor.dtype === "f32" && sizeOf(tensor.shape) === rows;
  if (!isFit) {
    throw new RangeError(`need f32, a value for each of ${rows} rows: got ${textOf(tensor)}`);
  }
}

function textOf(tensor: Tensor): string {
  return isTensor(tensor) ? `${tensor.dtype} ${showShape(tensor.shape)}` : "no tensor";
}

function isTensor(value: unknown): value is Tensor {
  const { shape, dtype } = Object(value) as Partial<Tensor>;
  return Array.isArray(shape) && typeof dtype === "string";
}
