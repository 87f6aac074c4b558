/**
 * Small models with fixed parameters, as openModel gives them. As a program it exports each of them
 * to a folder, for tests/golden/exported/make_exported.py: deno run -A tests/exchange/models.ts OUT
 */
import { foldName, rootKey, threefry, uniforms } from "../../src/base/random.ts";
import { sizeOf } from "../../src/base/shape.ts";
import type { NamedTensor } from "../../src/checkpoint/tensors/tensor.ts";
import { byteTokenizer } from "../../src/data/tokenizers/byte.ts";
import { charTokenizer } from "../../src/data/tokenizers/char.ts";
import type { Tokenizer } from "../../src/data/tokenizers/types.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Tensor } from "../../src/graph/types.ts";
import { type ModelConfig, modelSchema } from "../../src/models/mod.ts";
import { modelOf } from "../../src/models/mod.ts";
import { newScope, type Param } from "../../src/nn/scope.ts";
import type { Portable, Sizes } from "../../src/exchange/types.ts";
import { writeExported } from "../../src/artifacts/exported.ts";

/** What a test says of its model; the rest is tiny. */
export interface PortableInput extends Partial<Omit<Sizes<ModelConfig>, "model">> {
  readonly model: Readonly<Record<string, unknown>>;
}

/** The models whose logits PyTorch gave. */
export const GOLDEN: Readonly<Record<string, PortableInput>> = {
  gpt: { model: { kind: "gpt", layers: 2, width: 12, heads: 3, positions: "sinusoidal" } },
  llama: {
    model: {
      kind: "llama",
      width: 12,
      heads: 6,
      kv_heads: 3,
      mlp_width: 10,
      rotary_theta: 300,
      rotary_scaling: { kind: "yarn", factor: 3, context: 5, beta_fast: 8 },
    },
  },
  mistral: { model: { kind: "llama", width: 12, heads: 2, attention_window: 3 } },
  qwen3: {
    model: {
      kind: "llama",
      width: 10,
      heads: 2,
      kv_heads: 1,
      head_width: 4,
      qk_norm: true,
      tie_embeddings: true,
      attention_window: 4,
      norm_eps: 1e-6,
    },
  },
  mixtral: {
    model: { kind: "moe", width: 12, heads: 2, kv_heads: 1, mlp_width: 10, experts: 3 },
  },
  mixtral_window: {
    model: {
      kind: "moe",
      layers: 1,
      width: 10,
      heads: 1,
      head_width: 6,
      mlp_width: 7,
      experts: 5,
      experts_per_token: 4,
      attention_window: 3,
      tie_embeddings: true,
      rotary_scaling: { kind: "linear", factor: 2 },
    },
  },
  bert: {
    model: { kind: "encoder", width: 12, heads: 3, mlp_width: 10, activation: "gelu" },
    targetKind: "token_class",
  },
  lstm: { model: { kind: "recurrent", cell: "lstm", layers: 2, width: 6 } },
  gru: { model: { kind: "recurrent", cell: "gru", width: 6 } },
  rnn_relu: { model: { kind: "recurrent", cell: "rnn_relu", width: 6 } },
  bilstm_labels: {
    model: { kind: "recurrent", cell: "lstm", width: 5, bidirectional: true, readout: "mean" },
    targetKind: "sequence_class",
    classes: 3,
  },
};

/** The logits of a model, traced: source `tokens` [rows, T]; and the parameters it declares. */
export function traceLogits(
  { model, context, vocabulary, classes, targetKind }: Sizes<ModelConfig>,
  rows: number,
): { logits: Tensor; params: readonly Param[] } {
  const trace = newTrace();
  const { scope, params } = newScope(trace, { training: false });
  const tokens = trace.source({ shape: [rows, context], dtype: "u32" }, "batch", "tokens");
  const last = targetKind === "sequence_class";
  const input = { tokens, vocabulary, classes, last, carries: false };
  return { logits: modelOf(model).logits?.(scope, input, model) as Tensor, params };
}

/** A model with parameters that are a function of their names: gains near 1, all else near 0. */
export function portableOf(input: PortableInput): Portable<ModelConfig> {
  const model: ModelConfig = modelSchema.parse(input.model);
  const { context = 8, vocabulary = 11, targetKind = "next_token" } = input;
  const sizes = { model, context, vocabulary, classes: input.classes ?? vocabulary, targetKind };
  const { params } = traceLogits(sizes, 1);
  const valued = params.map(({ name, shape, init }): [string, NamedTensor] => {
    const middle = init.kind === "ones" ? 1 : 0;
    const key = foldName(rootKey(31), name);
    const data = uniforms(key, sizeOf(shape), [middle - 0.4, middle + 0.4]);
    return [name, { name, shape, data }];
  });
  return { ...sizes, params: new Map(valued) };
}

/** A tokenizer of as many characters, or of bytes. */
export function tokenizerOf(size: number): Tokenizer {
  if (size >= 256) return byteTokenizer({ end: size > 256 });
  return charTokenizer(String.fromCharCode(...Array.from({ length: size }, (_, i) => 97 + i)));
}

/** `n` tokens below `vocabulary`, the same at every call. */
export function someTokens(n: number, vocabulary: number): Uint32Array {
  return Uint32Array.from({ length: n }, (_, i) => threefry(rootKey(21), i, 0)[0] % vocabulary);
}

if (import.meta.main) {
  for (const [name, input] of Object.entries(GOLDEN)) {
    const portable = portableOf(input);
    const tokenizer = tokenizerOf(portable.vocabulary);
    await writeExported(`${Deno.args[0]}/${name}`, { ...portable, step: 0, tokenizer });
  }
}
