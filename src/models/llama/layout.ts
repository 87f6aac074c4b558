/**
 * Converts our Llama decoder to transformers' LlamaForCausalLM, MistralForCausalLM or
 * Qwen3ForCausalLM and back. Their linear layers are [out, in], ours [in, out]; queries, keys and
 * values are one matrix here, and so are both halves of the gated layer. D width, H features of the
 * gated layer, V vocabulary.
 */
import {
  type ForeignTensors,
  generationFiles,
  isTied,
  requireNextToken,
  withoutPrefix,
} from "../../exchange/hugging_face.ts";
import { parsed } from "../../exchange/parsed.ts";
import { inward, type LayoutRow, outward } from "../../exchange/rows.ts";
import type { ExportLayout, Portable, Sizes } from "../../exchange/types.ts";
import { classOf, llamaJsonOf, readLlamaJson, sharedModelOf } from "./config_json.ts";
import { headWidthOf, type LlamaConfig, llamaSchema, mlpWidthOf } from "./schema.ts";

/** Prefix of LlamaModel's tensors in a LlamaForCausalLM. */
export const MODEL_PREFIX = "model.";
/** Name of the output layer, which has no prefix. */
export const HEAD = "lm_head.weight";
/** Frequencies of rotary positions in older files. */
export const FREQUENCIES = /rotary_emb\.inv_freq$/;

/** Sizes that decide about a decoder's rows. */
export type DecoderSizes = Pick<Sizes<Omit<LlamaConfig, "kind">>, "model" | "vocabulary">;

/** Rows of a decoder with Llama's attention; `gated(i)`: those of block i's gated layer. */
export function decoderRows(
  { model, vocabulary }: DecoderSizes,
  gated: (block: number) => readonly LayoutRow[],
): LayoutRow[] {
  const { layers, width, heads, kv_heads, qk_norm, tie_embeddings: tied } = model;
  const head = headWidthOf(model);
  const [queries, shared] = [heads * head, (kv_heads ?? heads) * head];
  const columns = queries + 2 * shared;
  const gain = (ours: string, theirs: string, size = width): LayoutRow => ({
    ours: `${ours}.weight`,
    theirs: `${theirs}.weight`,
    shape: [size],
  });
  const block = (i: number): LayoutRow[] => {
    const [ours, theirs] = [`blocks.${i}`, `layers.${i}`];
    const projection = (name: string, count: number, first: number): LayoutRow => ({
      ours: `${ours}.qkv.weight`,
      theirs: `${theirs}.self_attn.${name}.weight`,
      shape: [count, width],
      transposed: true,
      within: { first, columns },
    });
    return [
      gain(`${ours}.norm1`, `${theirs}.input_layernorm`),
      projection("q_proj", queries, 0),
      projection("k_proj", shared, queries),
      projection("v_proj", shared, queries + shared),
      ...qk_norm
        ? [
          gain(`${ours}.q_norm`, `${theirs}.self_attn.q_norm`, head),
          gain(`${ours}.k_norm`, `${theirs}.self_attn.k_norm`, head),
        ]
        : [],
      transposed(`${ours}.out`, `${theirs}.self_attn.o_proj`, [width, queries]),
      gain(`${ours}.norm2`, `${theirs}.post_attention_layernorm`),
      ...gated(i),
    ];
  };
  return [
    { ours: "tokens.weight", theirs: "embed_tokens.weight", shape: [vocabulary, width] },
    ...Array.from({ length: layers }, (_, i) => block(i)).flat(),
    gain("norm", "norm"),
    ...tied ? [] : [{ ...transposed("head", "lm_head", [vocabulary, width]) }],
  ];
}

/** The row of a linear layer without a bias; `shape`: [out, in]. */
export function transposed(ours: string, theirs: string, shape: readonly number[]): LayoutRow {
  return { ours: `${ours}.weight`, theirs: `${theirs}.weight`, shape, transposed: true };
}

/** One row per tensor of theirs. */
function rowsOf(sizes: DecoderSizes): LayoutRow[] {
  const { width } = sizes.model;
  const inner = mlpWidthOf(sizes.model);
  return decoderRows(sizes, (i) => {
    const [ours, theirs] = [`blocks.${i}`, `layers.${i}.mlp`];
    const half = (name: string, first: number): LayoutRow => ({
      ...transposed(`${ours}.up`, `${theirs}.${name}`, [inner, width]),
      within: { first, columns: 2 * inner },
    });
    return [
      half("gate_proj", 0),
      half("up_proj", inner),
      transposed(`${ours}.down`, `${theirs}.down_proj`, [width, inner]),
    ];
  });
}

/** LlamaForCausalLM, MistralForCausalLM and Qwen3ForCausalLM of transformers. */
export const LLAMA_LAYOUT: ExportLayout<LlamaConfig> = {
  types: ["llama", "mistral", "qwen3"],
  name: (model) => classOf(model).name,
  config: llamaJsonOf,
  tensors(portable) {
    requireNextToken(portable.targetKind, "the decoder");
    return outward(portable.params, rowsOf(portable)).map((tensor) =>
      tensor.name === HEAD ? tensor : { ...tensor, name: MODEL_PREFIX + tensor.name }
    );
  },
  files: generationFiles,
  read: fromLlama,
};

/** Reads a model in this layout. @throws {UserError} `data` for an unsupported or damaged one. */
function fromLlama(
  json: unknown,
  file: ForeignTensors,
  { config: path, weights }: { config: string; weights: string },
): Portable<LlamaConfig> {
  const config = readLlamaJson(json, path);
  const bare = withoutPrefix(file, { prefix: MODEL_PREFIX, what: weights });
  const tied = isTied(bare.tensors, { head: HEAD, tokens: "embed_tokens.weight" }, {
    // Unlike GPT-2's, the output layer is not tied where a config does not say so.
    declared: config.tie_word_embeddings ?? false,
    what: weights,
  });
  const model = parsed(llamaSchema, {
    kind: "llama",
    ...sharedModelOf(config, path),
    qk_norm: config.qk_norm,
    attention_window: config.window,
    tie_embeddings: tied,
  }, path);
  const vocabulary = config.vocab_size;
  const params = inward(bare, rowsOf({ model, vocabulary }), {
    what: weights,
    ignored: tied ? new RegExp(`${FREQUENCIES.source}|^lm_head\\.weight$`) : FREQUENCIES,
  });
  const { attention_dropout: dropout, max_position_embeddings: context } = config;
  return {
    model,
    context,
    vocabulary,
    classes: vocabulary,
    targetKind: "next_token",
    params,
    ...dropout > 0 && { notes: [dropoutNote(dropout)] },
  };
}

/** The notice that our dropout acts in more places. */
export function dropoutNote(dropout: number): string {
  return `Training has one dropout (model.dropout) and takes attention_dropout, ${dropout}: it drops ` +
    "activations of embeddings and blocks too";
}
