/** The config of the decoder transformer. */
import * as z from "zod";

/** The `model` part of a config for a decoder transformer. */
export const gptSchema = z.strictObject({
  kind: z.literal("gpt").describe("Model family: a decoder transformer"),
  layers: z.int().min(1).default(2).describe("Transformer blocks"),
  width: z.int().min(1).default(64)
    .describe("Features per token in the residual stream; a multiple of heads"),
  heads: z.int().min(1).default(4).describe("Attention heads per block"),
  kv_heads: z.int().min(1).nullable().default(null)
    .describe("Heads of keys and values, which heads share; null is as many as heads"),
  attention_window: z.int().min(1).nullable().default(null)
    .describe("Tokens that a token attends to, its own included; null is all before it"),
  dropout: z.number().min(0).lt(1).default(0).describe("Probability to drop an activation"),
  positions: z.enum(["learned", "sinusoidal", "rotary", "alibi", "none"]).default("learned")
    .describe(
      "Positions: added to embeddings, rotary (queries, keys), alibi (biases of scores), or none",
    ),
  rotary_theta: z.number().gt(1).default(10000).describe("Base of the rotary frequencies"),
  tie_embeddings: z.boolean().default(false)
    .describe("Whether the output projection is the token embedding itself"),
  mup_base_width: z.int().min(1).nullable().default(null).describe(
    "Width at which rates were tuned: muP carries them to this width; null is the standard model",
  ),
  mup_base_heads: z.int().min(1).nullable().default(null)
    .describe("Heads of the model at mup_base_width; null is as many as here"),
}).refine(({ width, heads }) => heads < 1 || width % heads === 0, {
  path: ["width"],
  error: ({ input }) => `need a multiple of heads: ${showSizes(input)}`,
}).superRefine((model, context) => {
  const { heads, mup_base_width: width, mup_base_heads: base } = model;
  const fault = (key: string, message: string) =>
    context.addIssue({ code: "custom", path: [key], message });
  const { kv_heads: shared, positions } = model;
  if (shared !== null && heads % shared !== 0) {
    fault("kv_heads", `need a divisor of heads: kv_heads ${shared}, heads ${heads}`);
  }
  if (positions === "rotary" && model.width / heads % 2 === 1) {
    fault("width", `need heads of even width for rotary positions: ${showSizes(model)}`);
  }
  if (width === null) {
    if (base !== null) fault("mup_base_heads", `need null without mup_base_width: ${base}`);
  } else if ((base ?? heads) >= 1 && width % (base ?? heads) !== 0) {
    const what = base === null ? "heads" : "mup_base_heads";
    fault("mup_base_width", `need a multiple of ${what}: width ${width}, heads ${base ?? heads}`);
  }
});

/** A complete transformer config. */
export type GptConfig = z.infer<typeof gptSchema>;

function showSizes(input: unknown): string {
  const { width, heads } = input as { width: number; heads: number };
  return `width ${width}, heads ${heads}`;
}
