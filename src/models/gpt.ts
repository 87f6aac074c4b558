/**
 * The decoder transformer: pre-norm blocks of causal attention and a GELU MLP, as in GPT-2
 * (Radford et al. 2019, section 2.3), in standard or in maximal update parametrisation. B batch,
 * T time, D width, V vocabulary.
 */
import * as z from "zod";
import {
  attend,
  dropout,
  embed,
  gelu,
  layerNorm,
  linear,
  plus,
  positions,
  readout,
  scaled,
  unembed,
} from "../nn/layers.ts";
import type { Scope } from "../nn/scope.ts";
import type { Tensor } from "../graph/types.ts";
import type { ModelInput } from "./types.ts";
import { widthFactors } from "./width_transfer.ts";

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

/** Logits [B, T, K] of token ids [B, T]; [B, K] of the last position with `perSequence`. */
export function gpt(scope: Scope, input: ModelInput, config: GptConfig): Tensor {
  const { inputs, vocabulary, classes, perSequence, starts } = input;
  const { layers, width, dropout: p } = config;
  const tokens = embed(scope.in("tokens"), inputs, { vocabulary, width });
  let x = dropout(scope, positions(scope.in("positions"), tokens, config.positions), p);
  for (let i = 0; i < layers; i++) x = block(scope.in(`blocks.${i}`), x, { ...config, starts });
  x = layerNorm(scope.in("norm"), perSequence ? readout(x, "last") : x);
  const logits = config.tie_embeddings
    ? unembed(scope.in("tokens"), x, { vocabulary, width })
    : linear(scope.in("head"), x, { width: classes, bias: false, hidden: false });
  return scaled(logits, widthFactors(config).logits);
}

/** x + attention(norm(x)), then x + mlp(norm(x)): [B, T, D] to [B, T, D]. */
function block(
  scope: Scope,
  x: Tensor,
  config: GptConfig & { starts: Tensor | undefined },
): Tensor {
  const { layers, width, heads, dropout: p, starts } = config;
  const { std, lrScale, divisor } = widthFactors(config);
  // GPT-2 scales the initial residual projections by 1 / sqrt(2 layers): the variance of the
  // residual stream does not grow with depth.
  const depth = 1 / Math.sqrt(2 * layers);
  const into = { scale: std, lrScale };
  const back = { width, scale: std * depth, lrScale };
  const qkv = linear(scope.in("qkv"), layerNorm(scope.in("norm1"), x), {
    width: 3 * width,
    ...into,
  });
  const mixed = attend(scope, qkv, { heads, dropout: p, starts, divisor });
  const out = linear(scope.in("out"), mixed, back);
  const y = plus(x, dropout(scope, out, p));
  const hidden = gelu(
    linear(scope.in("up"), layerNorm(scope.in("norm2"), y), { width: 4 * width, ...into }),
  );
  const down = linear(scope.in("down"), hidden, back);
  return plus(y, dropout(scope, down, p));
}

function showSizes(input: unknown): string {
  const { width, heads } = input as { width: number; heads: number };
  return `width ${width}, heads ${heads}`;
}
