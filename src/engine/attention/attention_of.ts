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
import type { Call, Tensor, Trace, View } from "../../graph/types.ts";
import { modelOf } from "../../models/mod.ts";
import { newScope, type Scope } from "../../nn/scope.ts";
import { compile } from "../../plan/compile.ts";
import type { HeldModel } from "../whole/whole_window.ts";

/** A sequence of a window: what a model reads and writes, or the source of it. */
export type Sequence = "tokens" | "source";

/** The weights of a call of attention. */
export interface CallWeights {
  /** The sequence of the queries. */
  readonly from: Sequence;
  /** The sequence of the keys. */
  readonly to: Sequence;
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

/** A window: tokens u32 [T], and for models of pairs their source u32 [Ts]. */
export interface AttendedWindow {
  readonly tokens: Uint32Array;
  readonly source?: Uint32Array | undefined;
}

/** A model, its number of classes, and whether it tells one class of a window. */
export interface AttendedModel extends HeldModel {
  readonly classes: number;
  readonly last: boolean;
}

/** Runs a model over a window. A learned table of positions is cut to its length. */
export async function attentionOf(
  device: Device,
  held: AttendedModel,
  { tokens, source }: AttendedWindow,
): Promise<WindowAttention> {
  const trace = newTrace();
  const { scope, params: declared } = newScope(trace, { training: false });
  const logits = logitsOf(trace, scope, { ...held, tokens, source });
  const { params } = held;
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
  if (source !== undefined) {
    memory.write("source", source);
    memory.write("lengths", Uint32Array.of(source.length));
  }
  program.run();
  const found: CallWeights[] = [];
  for (const call of attended) {
    const views: View[] = [];
    for (const tensor of call.inputs) {
      views.push(await viewOf(memory, tensor, slots.get(tensor) as string));
    }
    found.push(weightsOf(call, views, source !== undefined));
  }
  const all = { slot: "logits", offset: 0, length: sizeOf(logits.shape) };
  return { calls: found, logits: await memory.read([all]) };
}

function logitsOf(
  trace: Trace,
  scope: Scope,
  { model, vocabulary, classes, last, tokens, source }: AttendedModel & AttendedWindow,
): Tensor {
  const batch = (name: string, shape: number[]) =>
    trace.source({ shape, dtype: "u32" }, "batch", name);
  const ids = batch("tokens", [1, tokens.length]);
  const { logits, sequence } = modelOf(model);
  const found = source === undefined
    ? logits?.(scope, { tokens: ids, vocabulary, classes, last, carries: false }, model)
    : sequence?.(scope, {
      source: batch("source", [1, source.length]),
      lengths: batch("lengths", [1]),
      tokens: ids,
      vocabulary,
    }, model);
  if (found !== undefined) return found;
  throw new RangeError(`Cannot show attention: ${model.kind} has no logits`);
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

/** `hasSource`: whether what is not causal reads the source. */
function weightsOf(
  { inputs, outputs, attrs }: Call<Tensor>,
  views: readonly View[],
  hasSource: boolean,
): CallWeights {
  const { heads, layout = "qkv", causal = false } = attrs as AttentionAttrs;
  const [first] = inputs as [Tensor];
  const queries = first.shape[1] as number;
  const weights = attentionWeights(views, attrs as AttentionAttrs);
  const lse = outputs[1] as Tensor;
  const keys = weights.length / sizeOf(lse.shape);
  const to = hasSource && !causal ? "source" : "tokens";
  // Queries of the tokens and keys of the source lie in different tensors.
  const from = to === "source" && layout === "qkv" ? "source" : "tokens";
  return { from, to, heads, queries, keys, weights };
}
