/**
 * Converts our mixtures of experts to transformers' MixtralForCausalLM and back. Their experts are
 * matrices of their own, ours one stack of matrices, whose columns hold the gate (w1), then what it
 * gates (w3); w2 is `down`.
 */
import * as z from "zod";
import {
  badKey,
  generationFiles,
  isTied,
  requireNextToken,
  withoutPrefix,
} from "../../exchange/hugging_face.ts";
import type { ForeignTensors } from "../../exchange/hugging_face.ts";
import { parsed } from "../../exchange/parsed.ts";
import { inward, type LayoutRow, outward } from "../../exchange/rows.ts";
import type { ExportLayout, Portable, Sizes } from "../../exchange/types.ts";
import {
  llamaJsonKeys,
  requireSharedJson,
  sharedJsonOf,
  sharedModelOf,
} from "../llama/config_json.ts";
import {
  decoderRows,
  dropoutNote,
  FREQUENCIES,
  HEAD,
  MODEL_PREFIX,
  transposed,
} from "../llama/layout.ts";
import { mlpWidthOf } from "../llama/schema.ts";
import { type MoeConfig, moeSchema } from "./schema.ts";

const experts = z.int().min(1).max(2 ** 16);

/** transformers' config of a Mixtral. */
const schema = z.looseObject({
  model_type: z.literal("mixtral"),
  ...llamaJsonKeys,
  num_local_experts: experts,
  num_experts_per_tok: experts,
  router_aux_loss_coef: z.number().min(0).default(0.001),
});

/** One row per tensor of theirs. */
function rowsOf(
  { model, vocabulary }: Pick<Sizes<MoeConfig>, "model" | "vocabulary">,
): LayoutRow[] {
  const { width, experts } = model;
  const inner = mlpWidthOf(model);
  return decoderRows({ model: { ...model, qk_norm: false }, vocabulary }, (i) => {
    const [ours, theirs] = [`blocks.${i}`, `layers.${i}.block_sparse_moe`];
    const expert = (index: number): LayoutRow[] => {
      const matrix = { index, count: experts };
      const name = `${theirs}.experts.${index}`;
      const half = (part: string, first: number): LayoutRow => ({
        ...transposed(`${ours}.experts.up`, `${name}.${part}`, [inner, width]),
        within: { first, columns: 2 * inner, matrix },
      });
      return [half("w1", 0), {
        ...transposed(`${ours}.experts.down`, `${name}.w2`, [width, inner]),
        within: { first: 0, columns: width, matrix },
      }, half("w3", inner)];
    };
    return [
      transposed(`${ours}.router`, `${theirs}.gate`, [experts, width]),
      ...Array.from({ length: experts }, (_, index) => expert(index)).flat(),
    ];
  });
}

/** MixtralForCausalLM of transformers. */
export const MOE_LAYOUT: ExportLayout<MoeConfig> = {
  types: ["mixtral"],
  name: () => "MixtralForCausalLM",
  config: (sizes, end) => ({
    architectures: ["MixtralForCausalLM"],
    model_type: "mixtral",
    ...sharedJsonOf({ ...sizes, model: { ...sizes.model, qk_norm: false } }, end),
    num_local_experts: sizes.model.experts,
    num_experts_per_tok: sizes.model.experts_per_token,
    // transformers refuses a whole number here, and JSON of 0 is one: it then has its own default.
    ...!Number.isInteger(sizes.model.balance_weight) && {
      router_aux_loss_coef: sizes.model.balance_weight,
    },
    output_router_logits: false,
  }),
  tensors(portable) {
    requireNextToken(portable.targetKind, "the mixture of experts");
    return outward(portable.params, rowsOf(portable)).map((tensor) =>
      tensor.name === HEAD ? tensor : { ...tensor, name: MODEL_PREFIX + tensor.name }
    );
  },
  files: generationFiles,
  read: fromMixtral,
};

/** Reads a model in this layout. @throws {UserError} `data` for an unsupported or damaged one. */
function fromMixtral(
  json: unknown,
  file: ForeignTensors,
  { config: path, weights }: { config: string; weights: string },
): Portable<MoeConfig> {
  const config = parsed(schema, json, path);
  requireSharedJson(config, path);
  const { num_local_experts: experts, num_experts_per_tok: chosen } = config;
  if (chosen > experts) {
    throw badKey(path, "num_experts_per_tok", `at most num_local_experts, ${experts}`, chosen);
  }
  const bare = withoutPrefix(file, { prefix: MODEL_PREFIX, what: weights });
  const tied = isTied(bare.tensors, { head: HEAD, tokens: "embed_tokens.weight" }, {
    declared: config.tie_word_embeddings ?? false,
    what: weights,
  });
  const model = parsed(moeSchema, {
    kind: "moe",
    ...sharedModelOf(config, path),
    attention_window: config.sliding_window ?? null,
    tie_embeddings: tied,
    experts,
    experts_per_token: chosen,
    balance_weight: config.router_aux_loss_coef,
    z_weight: 0,
  }, path);
  const { vocab_size: vocabulary, attention_dropout: dropout } = config;
  const params = inward(bare, rowsOf({ model, vocabulary }), {
    what: weights,
    ignored: tied ? new RegExp(`${FREQUENCIES.source}|^lm_head\\.weight$`) : FREQUENCIES,
  });
  return {
    model,
    context: config.max_position_embeddings,
    vocabulary,
    classes: vocabulary,
    targetKind: "next_token",
    params,
    ...dropout > 0 && { notes: [dropoutNote(dropout)] },
  };
}
