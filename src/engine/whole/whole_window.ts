/** A model over whole windows at once: for models that do not decode, and to compare decoders with. */
import { sizeOf } from "../../base/shape.ts";
import type { NamedTensor } from "../../checkpoint/tensors/tensor.ts";
import type { Device } from "../../device/types.ts";
import type { Tensor } from "../../graph/types.ts";
import { newTrace } from "../../graph/trace.ts";
import { modelOf } from "../../models/mod.ts";
import { newScope } from "../../nn/scope.ts";
import { compile } from "../../plan/compile.ts";
import type { DecodedModel } from "../decode_plan.ts";

/** A model and its parameters by name. */
export interface HeldModel extends DecodedModel {
  readonly params: ReadonlyMap<string, NamedTensor>;
}

/** Gives logits of tokens [rows, T], [rows, T, V] flat: elements [first, first + length) of them. */
export type FullWindow = (
  tokens: Uint32Array,
  span?: { first: number; length: number },
) => Promise<Float32Array>;

/**
 * Loads a model over windows of `time` tokens, computed at once and from states of zero. A learned
 * table of positions is cut to T rows.
 */
export async function openFull(
  device: Device,
  { model, vocabulary, params }: HeldModel,
  { rows, time }: { rows: number; time: number },
): Promise<FullWindow> {
  const trace = newTrace();
  const { scope, params: declared } = newScope(trace, { training: false });
  const ids = trace.source({ shape: [rows, time], dtype: "u32" }, "batch", "tokens");
  const input = { tokens: ids, vocabulary, classes: vocabulary, last: false, carries: false };
  const logits = modelOf(model).logits?.(scope, input, model) as Tensor;
  const { calls, constants } = trace;
  const memory = device.memory();
  const program = await device.load(compile({ calls, constants, results: { logits } }), memory);
  for (const { name, shape } of declared) {
    memory.write(name, (params.get(name) as NamedTensor).data.subarray(0, sizeOf(shape)));
  }
  return async (tokens, { first, length } = { first: 0, length: sizeOf(logits.shape) }) => {
    memory.write("tokens", tokens);
    program.run();
    return await memory.read([{ slot: "logits", offset: first, length }]);
  };
}

/** Logits [rows, T, V] of tokens [rows, T]. */
export async function fullLogits(
  device: Device,
  model: HeldModel,
  { tokens, rows }: { tokens: Uint32Array; rows: number },
): Promise<Float32Array> {
  return await (await openFull(device, model, { rows, time: tokens.length / rows }))(tokens);
}
