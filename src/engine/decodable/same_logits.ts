/**
 * Compares the logits that a decoder gives token by token with those of the whole window. An op that
 * mixes positions and has no cache sees the new tokens alone when it decodes, so that they differ.
 */
import { maxOf } from "../../base/extremes.ts";
import { foldName, rootKey, uniforms } from "../../base/random.ts";
import type { Device, Memory, Program } from "../../device/types.ts";
import { newTrace } from "../../graph/trace.ts";
import type { Tensor } from "../../graph/types.ts";
import { modelOf } from "../../models/mod.ts";
import { newScope } from "../../nn/scope.ts";
import { compile } from "../../plan/compile.ts";
import type { Layout } from "../../plan/layout.ts";
import { besideParams, type DecodedModel } from "../decode_plan.ts";
import { cannotDecode } from "./refusal.ts";

/**
 * Largest difference of two logits, relative to the largest logit of the token. f32 rounds to 2^-24:
 * sums in another order, softmax and normalisations may amplify that 2^14 times. A token that an op
 * does not see changes logits by a share of their own size.
 */
export const TOLERANCE = 2 ** -10;
/** Most logits of a whole window (16 MiB); larger vocabularies are compared over a shorter one. */
const MOST_LOGITS = 2 ** 22;
/** Prefix of the slots of the whole window. */
const PREFIX = "whole/";

/** Feeds tokens [rows, n]; gives logits [rows, V] of the last one. */
export interface TokenFeeder {
  readonly rows: number;
  feed(tokens: Uint32Array): Promise<Float32Array>;
}

/** A decoder, and its model. */
export interface ComparedDecoder extends DecodedModel {
  /** Has no tokens yet; afterwards it has the compared ones. */
  readonly decoder: TokenFeeder;
  /** Has the parameters. */
  readonly memory: Memory;
  readonly layout: Layout;
  /** Tokens whose logits are compared, from the start of the window; at most the context. */
  readonly compared: number;
}

/**
 * Requires a decoder to give the logits of the whole window.
 * @throws {UserError} `config` naming the model and the first token whose logits differ.
 */
export async function requireSameLogits(device: Device, parts: ComparedDecoder): Promise<void> {
  const { decoder, memory, vocabulary, context, model } = parts;
  const time = Math.min(context, Math.max(2, Math.floor(MOST_LOGITS / vocabulary)));
  const tokens = Uint32Array.from(
    uniforms(foldName(rootKey(0), model.kind), time, [0, vocabulary]),
    (value) => Math.min(vocabulary - 1, Math.floor(value)),
  );
  const whole = await openWhole(device, parts, time);
  memory.write(PREFIX + "tokens", tokens);
  whole.run();
  let fed = 0;
  for (const count of portionsOf(Math.min(parts.compared, time))) {
    const some = tokens.subarray(fed, fed + count);
    const rows = new Uint32Array(decoder.rows * count);
    for (let row = 0; row < decoder.rows; row++) rows.set(some, row * count);
    const got = await decoder.feed(rows);
    fed += count;
    const at = { slot: PREFIX + "logits", offset: (fed - 1) * vocabulary, length: vocabulary };
    const difference = relativeDifference(got, await memory.read([at]));
    if (difference <= TOLERANCE) continue;
    throw cannotDecode(
      model,
      "need the same logits token by token as over a whole window: where a layer mixes positions, it " +
        "needs a cache, as layers.attend has, or a state that scope.carry keeps: those of token " +
        `${fed} differ by ${showShare(difference)}`,
    );
  }
}

/** The largest difference relative to the largest of `want`, whose length counts; 0 without values. */
function relativeDifference(got: Float32Array, want: Float32Array): number {
  const largest = maxOf(want.map(Math.abs));
  // Nothing can be said of logits that are no numbers: guards report them in training.
  if (!Number.isFinite(largest) || largest === 0) return 0;
  const difference = maxOf(want.map((value, i) => Math.abs(value - (got[i] as number))));
  return Number.isNaN(difference) ? Infinity : difference / largest;
}

function showShare(difference: number): string {
  if (difference > 10) return "more than 10 times the largest";
  return `${(100 * difference).toPrecision(2)} % of the largest`;
}

/** Single tokens first and last, which an op without a cache sees alone; chunks between. */
function portionsOf(count: number): readonly number[] {
  if (count < 6) return Array.from({ length: count }, () => 1);
  return [1, 1, 1, count - 4, 1];
}

/** Logits [1, T, V] of `time` tokens at once, from states of zero. */
async function openWhole(
  device: Device,
  { model, vocabulary, memory, layout }: ComparedDecoder,
  time: number,
): Promise<Program> {
  const trace = newTrace();
  const { scope } = newScope(trace, { training: false });
  const tokens = trace.source({ shape: [1, time], dtype: "u32" }, "batch", "tokens");
  const input = { tokens, vocabulary, classes: vocabulary, last: false, carries: false };
  const logits = modelOf(model).logits?.(scope, input, model) as Tensor;
  const { calls, constants } = trace;
  const plan = compile({ calls, constants, results: { logits } }, besideParams(layout, PREFIX));
  return await device.load(plan, memory);
}
