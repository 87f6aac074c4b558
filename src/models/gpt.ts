/**
 * The decoder transformer: pre-norm blocks of causal attention and a GELU MLP, as in GPT-2
 * (Radford et al. 2019, section 2.3). B batch, T time, D width, V vocabulary.
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
  unembed,
} from "../nn/layers.ts";
import type { Scope } from "../nn/scope.ts";
import type { Tensor } from "../graph/types.ts";
import type { ModelInput } from "./types.ts";

/** The `model` part of a config for a decoder transformer. */
export const gptSchema = z.strictObject({
  kind: z.literal("gpt").describe("Model family: a decoder transformer"),
  layers: z.int().min(1).default(2).describe("Transformer blocks"),
  width: z.int().min(1).default(64)
    .describe("Features per token in the residual stream; a multiple of heads"),
  heads: z.int().min(1).default(4).describe("Attention heads per block"),
  dropout: z.number().min(0).lt(1).default(0).describe("Probability to drop an activation"),
  positions: z.enum(["learned", "sinusoidal"]).default("learned").describe("Position embedding"),
  tied: z.boolean().default(false)
    .describe("Whether the output projection is the token embedding itself"),
}).refine(({ width, heads }) => heads < 1 || width % heads === 0, {
  path: ["width"],
  error: ({ input }) => `need a multiple of heads: ${showSizes(input)}`,
});

/** A complete transformer config. */
export type GptConfig = z.infer<typeof gptSchema>;

/** Logits [B, T, K] of token ids [B, T]; of the last position alone where one label is asked. */
export function gpt(scope: Scope, input: ModelInput, config: GptConfig): Tensor {
  const { inputs, vocabulary, classes, one } = input;
  const { layers, width, dropout: p } = config;
  const tokens = embed(scope.in("tokens"), inputs, { vocabulary, width });
  let x = dropout(scope, positions(scope.in("positions"), tokens, config.positions), p);
  for (let i = 0; i < layers; i++) x = block(scope.in(`blocks.${i}`), x, config);
  x = layerNorm(scope.in("norm"), one ? readout(x, "last") : x);
  if (!config.tied) return linear(scope.in("head"), x, { width: classes, bias: false });
  return unembed(scope.in("tokens"), x, { vocabulary, width });
}

/** x + attention(norm(x)), then x + mlp(norm(x)): [B, T, D] to [B, T, D]. */
function block(scope: Scope, x: Tensor, { layers, width, heads, dropout: p }: GptConfig): Tensor {
  // Projections into the residual stream start smaller, so that its variance does not grow.
  const depth = 1 / Math.sqrt(2 * layers);
  const qkv = linear(scope.in("qkv"), layerNorm(scope.in("norm1"), x), { width: 3 * width });
  const mixed = attend(scope, qkv, { heads, dropout: p });
  const out = linear(scope.in("out"), mixed, { width, scale: depth });
  const y = plus(x, dropout(scope, out, p));
  const hidden = gelu(
    linear(scope.in("up"), layerNorm(scope.in("norm2"), y), { width: 4 * width }),
  );
  const down = linear(scope.in("down"), hidden, { width, scale: depth });
  return plus(y, dropout(scope, down, p));
}

function showSizes(input: unknown): string {
  const { width, heads } = input as { width: number; heads: number };
  return `width ${width}, heads ${heads}`;
}
