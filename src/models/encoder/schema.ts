/** The config of the encoder. */
import * as z from "zod";

/** The `model` part of a config for an encoder. */
export const encoderSchema = z.strictObject({
  kind: z.literal("encoder").describe("Model family: an encoder, as BERT is"),
  layers: z.int().min(1).default(2).describe("Transformer blocks"),
  width: z.int().min(1).default(64).describe("Features per token; a multiple of heads"),
  heads: z.int().min(1).default(4).describe("Attention heads per block"),
  mlp_width: z.int().min(1).nullable().default(null)
    .describe("Features of the feed-forward layer; null is 4 x width"),
  activation: z.enum(["gelu", "gelu_erf", "relu"]).default("gelu_erf")
    .describe("Activation of the feed-forward layer; gelu is its tanh form"),
  segments: z.int().min(1).default(2).describe("Kinds of segments that tokens may belong to"),
  dropout: z.number().min(0).lt(1).default(0.1).describe("Probability to drop an activation"),
  norm_eps: z.number().gt(0).default(1e-12).describe("Added to the variance in a norm"),
}).superRefine(({ width, heads }, context) => {
  if (width % heads === 0) return;
  const message = `need a multiple of heads: width ${width}, heads ${heads}`;
  context.addIssue({ code: "custom", path: ["width"], message });
});

/** A complete encoder config. */
export type EncoderConfig = z.infer<typeof encoderSchema>;

/** Features of the feed-forward layer. */
export function innerWidthOf(
  { width, mlp_width }: Pick<EncoderConfig, "width" | "mlp_width">,
): number {
  return mlp_width ?? 4 * width;
}
