/**
 * The Llama decoder (Touvron et al. 2023, section 2.2): pre-norm blocks with RMS norms, rotary
 * positions, grouped-query attention and a SwiGLU layer, without biases. With `qk_norm` queries and
 * keys are normalised (Henry et al. 2020; as in Qwen3), with `attention_window` attention slides (as
 * in Mistral). B batch, T time, D width, V vocabulary.
 */
import type { Head } from "../../nn/head.ts";
import { mlp } from "../../nn/mlp.ts";
import type { Scope } from "../../nn/scope.ts";
import { decoderFlops, windowNotices } from "../attention_flops.ts";
import { defineModel, type LogitsInput, tiedFaults } from "../definition.ts";
import { headModel } from "../head_model.ts";
import { decoderHead } from "./decoder.ts";
import { LLAMA_LAYOUT } from "./layout.ts";
import { headWidthOf, type LlamaConfig, llamaSchema, mlpWidthOf } from "./schema.ts";

export { type LlamaConfig, llamaSchema } from "./schema.ts";

/** The model. */
export const llama = defineModel<LlamaConfig>(headModel({
  kind: "llama",
  schema: llamaSchema,
  head: llamaHead,
  generates: () => ({ memory: "window" }),
  exchange: LLAMA_LAYOUT,
  documents: true,
  faults: ({ tie_embeddings }, { task, source }) => tiedFaults(tie_embeddings, { task, source }),
  notices: ({ attention_window }, time) => windowNotices(attention_window, time),
  flops: (config, sizes) =>
    decoderFlops({
      layers: config.layers,
      columns: config.heads * headWidthOf(config),
      window: config.attention_window,
    }, sizes),
}));

/** The output layer over [B, T, D]; over [B, D] of the last position with `last`. */
function llamaHead(scope: Scope, input: LogitsInput, config: LlamaConfig): Head {
  return decoderHead(scope, input, {
    config,
    feedForward: (scope, x, { scale }) =>
      mlp(scope, x, { hidden: mlpWidthOf(config), activation: "swiglu", bias: false, scale }),
  });
}
