/**
 * Parameters by every usual count: the exponents of a scaling law depend on which of them it is
 * fitted to, so all are kept. It knows names and shapes, and no tensor.
 */
import { maxOf } from "../base/extremes.ts";
import { sizeOf } from "../base/shape.ts";
import type { Shape } from "../base/shape.ts";
import type { AnyModel } from "../models/definition.ts";

/** A parameter as far as it is counted. */
export interface Counted {
  readonly name: string;
  readonly shape: Shape;
  /** Set for the weight matrix of a hidden layer. */
  readonly hidden?: unknown;
}

/** Numbers of trainable elements; a tensor that is used twice (a tied head) is counted once. */
export interface Counts {
  readonly all: number;
  readonly no_embedding: number;
  readonly matrices: number;
  readonly per_layer: number;
}

/** What each count holds, in words. */
export const COUNT_WORDS: Readonly<Record<keyof Counts, string>> = {
  all: "every trainable element; a tied head is the token table and counted once",
  no_embedding: "without the token and position tables; a head of its own is a matrix and stays",
  matrices: "weight matrices of the layers alone: no tables, head, biases, norms",
  per_layer: "one layer with its biases and norms; the last one, where the first reads less",
};

const TABLES = /^(tokens|positions)\./;
const LAYER = /^blocks\.(\d+)\.|_l(\d+)(?:_reverse)?$/;

/**
 * Parameters that every token is multiplied by or added to. Tables that it only looks a row up in
 * cost no FLOP: positions, and tokens unless the head is the token table.
 */
export function usedOf(params: readonly Counted[]): number {
  const isTied = !params.some(({ name }) => name.startsWith("head."));
  const looked = isTied ? /^positions\./ : TABLES;
  return params.filter(({ name }) => !looked.test(name))
    .reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/**
 * Counts the parameters that a model declares. Models of the user need not number their layers: then
 * the matrices are those that layers declare as hidden, and none is of a layer.
 */
export function countsOf(
  params: readonly Counted[],
  model: AnyModel,
): Counts {
  const count = (holds: (param: Counted) => boolean): number =>
    params.filter(holds).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const layer = ({ name }: Counted): number | undefined => {
    const found = LAYER.exec(name);
    return found === null ? undefined : Number(found[1] ?? found[2]);
  };
  const numbers = params.flatMap((param) => layer(param) ?? []);
  const layers = "layers" in model ? model.layers : undefined;
  const last = typeof layers === "number" ? layers - 1 : maxOf(numbers);
  return {
    all: count(() => true),
    no_embedding: count(({ name }) => !TABLES.test(name)),
    matrices: numbers.length === 0
      ? count(({ hidden }) => hidden !== undefined)
      : count((param) => layer(param) !== undefined && param.shape.length > 1),
    per_layer: count((param) => layer(param) === last),
  };
}
