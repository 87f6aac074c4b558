/**
 * The plans of a decoder, which feed tokens to a model with caches or recurrent states, and the
 * layout of its parameters. Pure.
 */
import { pointwiseOp } from "../../kernels/pointwise/mod.ts";
import type { Expr } from "../graph/formula.ts";
import { formula } from "../graph/formula.ts";
import { applyAll, newTrace } from "../graph/trace.ts";
import type { ModelConfig } from "../models/mod.ts";
import { modelOf } from "../models/mod.ts";
import { newScope, POSITIONS } from "../nn/scope.ts";
import type { Carry, Param } from "../nn/scope.ts";
import { compile } from "../plan/compile.ts";
import type { Placement } from "../plan/compile.ts";
import { addressIn, layOut } from "../plan/layout.ts";
import type { Layout } from "../plan/layout.ts";
import type { Plan } from "../plan/types.ts";
import { sizesOf } from "./plans.ts";

/** The model to decode. */
export interface DecodedModel {
  readonly model: ModelConfig;
  /** V */
  readonly vocabulary: number;
  /** T: tokens of its window. */
  readonly context: number;
}

/** Options of one plan. */
export interface DecodeOptions {
  /** Rows decoded in parallel. */
  readonly rows: number;
  /** Tokens per row. */
  readonly count: number;
  /** Layout of the parameters. */
  readonly layout: Layout;
  /** Prefix of all other slots. */
  readonly prefix: string;
}

/** A decoder's slots, after its prefix: u32 [rows, count], u32 [count], f32 [rows, V]. */
export const DECODE = { tokens: "tokens", positions: "places", logits: "logits" } as const;

/** A plan, and the kind of its memory. */
export interface Decoding {
  readonly plan: Plan;
  /**
   * Whether it has a window, since it has caches or reads positions; otherwise recurrent states of all
   * tokens so far.
   */
  readonly windowed: boolean;
  /** States that are zero at the start of a sequence. */
  readonly carries: readonly Carry[];
}

const REPLACE = formula(2, (_, next) => next as Expr);

function traceModel(
  { model, vocabulary, context }: DecodedModel,
  [rows, count]: readonly [number, number],
) {
  const trace = newTrace();
  const { scope, ...declared } = newScope(trace, { training: false, decode: { context } });
  const tokens = trace.source({ shape: [rows, count], dtype: "u32" }, "batch", DECODE.tokens);
  const { kind, logits: make } = modelOf(model);
  if (make === undefined) throw new RangeError(`Cannot decode: model ${kind} has no logits`);
  const input = { tokens, vocabulary, classes: vocabulary, last: true, carries: true };
  const logits = make(scope, input, model);
  // Trace all reads of a state before its replacement.
  for (const { tensor, next } of declared.carries) {
    if (next === undefined) throw new RangeError("Cannot decode: a carried state is not kept");
    applyAll(pointwiseOp, [tensor, next], { formula: REPLACE, donate: [0] });
  }
  // Positions are those of a window: a table of them ends with it.
  const windowed = declared.caches.length > 0 ||
    trace.calls.some(({ inputs }) => inputs.some(({ name }) => name === POSITIONS));
  return { trace, ...declared, windowed, logits };
}

/**
 * Feeds `count` tokens to each row; its result is the logits [rows, V] after the last one. Caches
 * and states are updated in place. @throws {UserError} `config` for a bidirectional model.
 */
export function decodePlan(
  model: DecodedModel,
  { rows, count, layout, prefix }: DecodeOptions,
): Decoding {
  const { trace: { calls, constants }, carries, windowed, logits } = traceModel(
    model,
    [rows, count],
  );
  const plan = compile(
    { calls, constants, results: { [DECODE.logits]: logits } },
    besideParams(layout, prefix),
  );
  return { plan, windowed, carries };
}

/** Places parameters as in a run, and all else in slots whose names start with `prefix`. */
export function besideParams(layout: Layout, prefix: string): Placement {
  return {
    source: (t) =>
      t.role === "param"
        ? addressIn(layout, "param", t.name as string)
        : t.name === undefined
        ? undefined
        : { slot: prefix + t.name, role: t.role, offset: 0 },
    result: (name) => ({ slot: prefix + name, role: "scalar", offset: 0 }),
    sizes: sizesOf(layout, "param"),
  };
}

/** What a model declares when it is traced for one token. */
export interface DecodedShape extends Pick<Decoding, "windowed" | "carries"> {
  readonly params: readonly Param[];
  /** Layout of the parameters in a run. */
  readonly layout: Layout;
}

/** The parameters and states of a model that decodes. */
export function decodedShape(model: DecodedModel): DecodedShape {
  const { params, windowed, carries } = traceModel(model, [1, 1]);
  return { params, layout: layOut(params), windowed, carries };
}
