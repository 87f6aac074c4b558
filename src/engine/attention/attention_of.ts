/**
 * The attention of a model to the tokens of a window: the weights of each head of each call of
 * attention in its trace. A kernel keeps no weights, so they are computed on the host from queries,
 * keys and masks as the device computed them.
 */
import type { AttentionAttrs } from "../../../kernels/attention/mod.ts";
import { attentionOp, attentionWeights } from "../../../kernels/attention/mod.ts";
import { sizeOf } from "../../base/shape.ts";
import type { NamedTensor } from "../../checkpoint/tensors/tensor.ts";
import type { Device, Memory } from "../../device/types.ts";
import { newTrace } from "../../graph/trace.ts";
import type { Call, Tensor, View } from "../../graph/types.ts";
import { modelOf } from "../../models/mod.ts";
import { newScope } from "../../nn/scope.ts";
import { compile } from "../../plan/compile.ts";
import type { HeldModel } from "../whole/whole_window.ts";

/** The weights of a call of attention. */
export interface CallWeights {
  /** Whether queries and keys are of one sequence. */
  readonly isSelf: boolean;
  /** H */
  readonly heads: number;
  /** Tq */
  readonly queries: number;
  /** Tk */
  readonly keys: number;
  /** Probabilities [H, Tq, Tk], flat. */
  readonly weights: Float32Array;
}

/** The attention of a window, and the logits of its tokens. */
export interface WindowAttention {
  /** Calls in the order of the model. */
  readonly calls: readonly CallWeights[];
  /** [T, K], or [K] where the model tells one class of a window. */
  readonly logits: Float32Array;
}

/** A model, its number of classes, and whether it tells one class of a window. */
export interface AttendedModel extends HeldModel {
  readonly classes: number;
  readonly last: boolean;
}

/** Runs a model over a window of tokens u32 [T]. A learned table of positions is cut to T rows. */
export async function attentionOf(
  device: Device,
  { model, vocabulary, classes, last, params }: AttendedModel,
  tokens: Uint32Array,
): Promise<WindowAttention> {
  const trace = newTrace();
  const { scope, params: declared } = newScope(trace, { training: false });
  const ids = trace.source({ shape: [1, tokens.length], dtype: "u32" }, "batch", "tokens");
  const input = { tokens: ids, vocabulary, classes, last, carries: false };
  const logits = modelOf(model).logits?.(scope, input, model) as Tensor;
  const { calls, constants } = trace;
  const attended = attentionCalls(calls);
  // A source has its own slot; everything else becomes a result.
  const slots = new Map<Tensor, string>();
  for (const tensor of attended.flatMap(({ inputs }) => inputs)) {
    slots.set(tensor, tensor.name ?? slots.get(tensor) ?? `attended ${slots.size}`);
  }
  const computed = Array.from(slots).filter(([{ name }]) => name === undefined);
  const results = {
    ...Object.fromEntries(computed.map(([tensor, slot]) => [slot, tensor])),
    logits,
  };
  const memory = device.memory();
  const program = await device.load(compile({ calls, constants, results }), memory);
  for (const { name, shape } of declared) {
    memory.write(name, (params.get(name) as NamedTensor).data.subarray(0, sizeOf(shape)));
  }
  memory.write("tokens", tokens);
  program.run();
  const found: CallWeights[] = [];
  for (const call of attended) {
    const views: View[] = [];
    for (const tensor of call.inputs) {
      views.push(await viewOf(memory, tensor, slots.get(tensor) as string));
    }
    found.push(weightsOf(call, views));
  }
  const all = { slot: "logits", offset: 0, length: sizeOf(logits.shape) };
  return { calls: found, logits: await memory.read([all]) };
}

/** Calls of attention in a trace, those within composed calls included. */
function attentionCalls(calls: readonly Call<Tensor>[]): Call<Tensor>[] {
  return calls.flatMap((call) =>
    call.op === attentionOp ? [call] : attentionCalls(call.parts ?? [])
  );
}

async function viewOf(memory: Memory, { shape, dtype }: Tensor, slot: string): Promise<View> {
  const data = await memory.read([{ slot, offset: 0, length: sizeOf(shape) }]);
  return { shape, dtype, data: dtype === "u32" ? new Uint32Array(data.buffer) : data } as View;
}

function weightsOf({ inputs, outputs, attrs }: Call<Tensor>, views: readonly View[]): CallWeights {
  const { heads, layout = "qkv", causal = false } = attrs as AttentionAttrs;
  const [first] = inputs as [Tensor];
  const queries = first.shape[1] as number;
  const weights = attentionWeights(views, attrs as AttentionAttrs);
  const lse = outputs[1] as Tensor;
  const keys = weights.length / sizeOf(lse.shape);
  return { isSelf: causal || layout === "qkv", heads, queries, keys, weights };
}
