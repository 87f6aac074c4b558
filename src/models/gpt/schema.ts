/** The config of the decoder transformer. */
import * as z from "zod";

/** The `model` part of a config for a decoder transformer. */
export const gptSchema = z.strictObject({
  kind: z.literal("gpt").describe("Model family: a decoder transformer"),
  layers: z.int().min(1).default(2).describe("Transformer blocks"),
  width: z.int().min(1).default(64)
    .describe("Features per token in the residual stream; a multiple of heads"),
  heads: z.int().min(1).default(4).describe("Attention heads per block"),
  dropout: z.number().min(0).lt(1).default(0).describe("Probability to drop an activation"),
  positions: z.enum(["learned", "sinusoidal"]).default("learned").describe("Position embedding"),
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
}).superRefine(({ heads, mup_base_width: width, mup_base_heads: base }, context) => {
  const fault = (key: string, message: string) =>
    context.addIssue({ code: "custom", path: [key], message });
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
