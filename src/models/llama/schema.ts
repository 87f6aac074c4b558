/** The config of the Llama decoder. */
import * as z from "zod";

/** A factor above 0. */
const positive = z.number().gt(0);

/** How rotary frequencies are changed to extend a context; numbers as in config.json. */
const rotaryScalingSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("linear"), factor: positive }),
  z.strictObject({
    kind: z.literal("llama3"),
    factor: positive,
    low_freq_factor: positive,
    high_freq_factor: positive,
    context: positive,
  }),
  z.strictObject({
    kind: z.literal("yarn"),
    factor: positive,
    context: positive,
    beta_fast: positive.default(32),
    beta_slow: positive.default(1),
    attention_factor: positive.nullable().default(null),
  }),
]);

/** Scaling of rotary frequencies. */
export type RotaryScalingConfig = z.infer<typeof rotaryScalingSchema>;

/** Keys of decoders with Llama's blocks. */
export const llamaKeys = {
  layers: z.int().min(1).default(2).describe("Transformer blocks"),
  width: z.int().min(1).default(64).describe("Features per token in the residual stream"),
  heads: z.int().min(1).default(4).describe("Attention heads per block"),
  kv_heads: z.int().min(1).nullable().default(null)
    .describe("Heads of keys and values, which heads share; null is as many as heads"),
  head_width: z.int().min(1).nullable().default(null)
    .describe("Features per head; null is width / heads"),
  mlp_width: z.int().min(1).nullable().default(null).describe(
    "Features of the gated layer; null is 8/3 of width, rounded up to a multiple of 8",
  ),
  attention_window: z.int().min(1).nullable().default(null)
    .describe("Tokens that a token attends to, its own included; null is all before it"),
  dropout: z.number().min(0).lt(1).default(0).describe("Probability to drop an activation"),
  rotary_theta: z.number().gt(1).default(10000).describe("Base of the rotary frequencies"),
  rotary_scaling: rotaryScalingSchema.nullable().default(null)
    .describe("Scaling of the rotary frequencies for longer contexts: linear, llama3 or yarn"),
  qk_norm: z.boolean().default(false)
    .describe("Whether queries and keys of each head are normalised before they are rotated"),
  norm_eps: z.number().gt(0).default(1e-5).describe("Added to the mean square in a norm"),
  tie_embeddings: z.boolean().default(false)
    .describe("Whether the output projection is the token embedding itself"),
} as const;

/** The `model` part of a config for a Llama decoder. */
export const llamaSchema = z.strictObject({
  kind: z.literal("llama").describe("Model family: a decoder with Llama's blocks"),
  ...llamaKeys,
}).superRefine(checkHeads);

/** A complete Llama config. */
export type LlamaConfig = z.infer<typeof llamaSchema>;

/** What of a config decides about the heads. */
type HeadSizes = Pick<LlamaConfig, "width" | "heads" | "kv_heads" | "head_width">;

/** Features per head. */
export function headWidthOf({ width, heads, head_width }: HeadSizes): number {
  return head_width ?? width / heads;
}

/** Features of the gated layer (Touvron et al. 2023, section 2.2: 8/3 of the width). */
export function mlpWidthOf({ width, mlp_width }: Pick<LlamaConfig, "width" | "mlp_width">): number {
  return mlp_width ?? 8 * Math.ceil(width / 3);
}

/** Reports heads that do not divide the width, shared heads, and odd widths of heads. */
export function checkHeads(model: HeadSizes, context: z.RefinementCtx): void {
  const { width, heads, kv_heads: shared, head_width } = model;
  const fault = (key: string, message: string) =>
    context.addIssue({ code: "custom", path: [key], message });
  if (head_width === null && width % heads !== 0) {
    fault("width", `need a multiple of heads, or head_width: width ${width}, heads ${heads}`);
  } else if (headWidthOf(model) % 2 === 1) {
    const key = head_width === null ? "width" : "head_width";
    const sizes = head_width === null ? `width ${width}, heads ${heads}` : String(head_width);
    fault(key, `need heads of even width for rotary positions: ${sizes}`);
  }
  if (shared !== null && heads % shared !== 0) {
    fault("kv_heads", `need a divisor of heads: kv_heads ${shared}, heads ${heads}`);
  }
}
