/**
 * What a decoder compiles: the plan that feeds some tokens to a model which remembers those before
 * them, and where its parameters lie. Pure: no device, no process.
 */
import { pointwiseOp } from "../../kernels/pointwise/mod.ts";
import type { Expr } from "../graph/formula.ts";
import { formula } from "../graph/formula.ts";
import { applyAll, newTrace } from "../graph/trace.ts";
import type { ModelConfig } from "../models/mod.ts";
import { logitsOf } from "../models/mod.ts";
import { newScope } from "../nn/scope.ts";
import type { Carry, Param } from "../nn/scope.ts";
import { compile } from "../plan/compile.ts";
import { addressIn, layOut } from "../plan/layout.ts";
import type { Layout } from "../plan/layout.ts";
import type { Plan } from "../plan/types.ts";
import { sizesOf } from "./plans.ts";

/** A model as far as decoding must know. */
export interface DecodedModel {
  readonly model: ModelConfig;
  /** V */
  readonly vocabulary: number;
  /** T: tokens of its longest window. */
  readonly context: number;
}

/** What one plan feeds. */
export interface DecodeOptions {
  /** Rows that are decoded side by side. */
  readonly rows: number;
  /** Tokens of each row. */
  readonly count: number;
  /** Where parameters lie. */
  readonly layout: Layout;
  /** What the names of all other slots begin with. */
  readonly prefix: string;
}

/** Names of a decoder's slots, behind its prefix: u32 [rows, count], u32 [count], [rows, V]. */
export const DECODE = { inputs: "inputs", places: "places", logits: "logits" } as const;

/** A plan, and how it remembers. */
export interface Decoding {
  readonly plan: Plan;
  /** True when it remembers a window; else its states stand for all tokens so far. */
  readonly windowed: boolean;
  /** States that are to be zero where a sequence begins. */
  readonly carries: readonly Carry[];
}

const REPLACE = formula(2, (_, next) => next as Expr);

function traceModel(
  { model, vocabulary, context }: DecodedModel,
  [rows, count]: readonly [number, number],
) {
  const trace = newTrace();
  const { scope, ...declared } = newScope(trace, { training: false, decode: { context } });
  const inputs = trace.source({ shape: [rows, count], dtype: "u32" }, "batch", DECODE.inputs);
  const input = { inputs, vocabulary, classes: vocabulary, perSequence: true, carries: true };
  const logits = logitsOf(model)(scope, input, model);
  // All that reads a state is traced before it is replaced.
  for (const { tensor, next } of declared.carries) {
    if (next === undefined) throw new RangeError("Cannot decode: a carried state is not kept");
    applyAll(pointwiseOp, [tensor, next], { formula: REPLACE, donate: [0] });
  }
  return { trace, ...declared, logits };
}

/**
 * Feeds `count` tokens to each row and gives the logits [rows, V] behind the last one. Caches and
 * states are updated in place. @throws {Refusal} `config` for a model that reads backwards as well.
 */
export function decodePlan(
  model: DecodedModel,
  { rows, count, layout, prefix }: DecodeOptions,
): Decoding {
  const { trace: { calls, constants }, carries, caches, logits } = traceModel(model, [rows, count]);
  const plan = compile({ calls, constants, results: { [DECODE.logits]: logits } }, {
    source: (t) =>
      t.role === "param"
        ? addressIn(layout, "param", t.name as string)
        : t.name === undefined
        ? undefined
        : { slot: prefix + t.name, role: t.role, offset: 0 },
    result: (name) => ({ slot: prefix + name, role: "scalar", offset: 0 }),
    sizes: sizesOf(layout, "param"),
  });
  return { plan, windowed: caches.length > 0, carries };
}

/** The parameters of a model, and the layout that a run of it has. */
export function decodedShape(model: DecodedModel): { params: readonly Param[]; layout: Layout } {
  const { params } = traceModel(model, [1, 1]);
  return { params, layout: layOut(params) };
}
