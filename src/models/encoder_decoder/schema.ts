/** The config of the encoder-decoder. */
import * as z from "zod";

/** The `model` part of a config for an encoder-decoder transformer. */
export const encoderDecoderSchema = z.strictObject({
  kind: z.literal("encoder_decoder")
    .describe("Model family: a transformer that reads a source and writes its target"),
  layers: z.int().min(1).default(2).describe("Blocks of the encoder"),
  decoder_layers: z.int().min(1).nullable().default(null)
    .describe("Blocks of the decoder; null is as many as of the encoder"),
  width: z.int().min(1).default(64).describe("Features per token; a multiple of heads"),
  heads: z.int().min(1).default(4).describe("Attention heads per block"),
  mlp_width: z.int().min(1).nullable().default(null)
    .describe("Features of the feed-forward layers; null is 4 x width"),
  activation: z.enum(["gelu", "gelu_erf", "relu", "silu"]).default("relu")
    .describe("Activation of the feed-forward layers; gelu is its tanh form"),
  dropout: z.number().min(0).lt(1).default(0.1).describe("Probability to drop an activation"),
  label_smoothing: z.number().min(0).lt(1).default(0.1)
    .describe("Part of a label's probability that training spreads over all tokens"),
}).superRefine(({ width, heads }, context) => {
  if (width % heads === 0) return;
  const message = `need a multiple of heads: width ${width}, heads ${heads}`;
  context.addIssue({ code: "custom", path: ["width"], message });
});

/** A complete config of an encoder-decoder. */
export type EncoderDecoderConfig = z.infer<typeof encoderDecoderSchema>;
