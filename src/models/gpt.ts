/**
 * The decoder transformer: pre-norm blocks of causal attention and a GELU MLP, as in GPT-2
 * (Radford et al. 2019, section 2.3), in standard or in maximal update parametrisation. B batch,
 * T time, D width, V vocabulary.
 */
import * as z from "zod";
import type { Tensor } from "../graph/types.ts";
import { type Head, outputHead, tiedHead } from "../nn/head.ts";
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
} from "../nn/layers.ts";
import type { Scope } from "../nn/scope.ts";
import { classification } from "../nn/terms.ts";
import { defineModel, denseFlops, type LogitsInput, type ModelFault } from "./definition.ts";
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

/** The model. */
export const gpt = defineModel<GptConfig>({
  kind: "gpt",
  schema: gptSchema,
  loss(scope, { tokens, targets, starts }, config, { vocabulary, classes, targetKind }) {
    const last = targetKind === "sequence_class";
    const input = { tokens: tokens as Tensor, vocabulary, classes, last, starts };
    return classification(gptHead(scope, input, config), targets as Tensor);
  },
  logits(scope, input, config) {
    const { logits, x } = gptHead(scope, input, config);
    return logits(x);
  },
  generates: () => ({ memory: "window" }),
  documents: true,
  faults({ tie_embeddings: tied, mup_base_width: base }, { task, source, optimizer }) {
    const faults: ModelFault[] = [];
    if (tied && task.targetKind !== "next_token") {
      const need = `need false for source ${source}, whose targets are no tokens`;
      faults.push(["tie_embeddings", `${need}: true`]);
    }
    if (base !== null && (optimizer === "sgd" || optimizer === "muon")) {
      const reason = `its factors are those of Adam, not of ${optimizer}`;
      faults.push(["mup_base_width", `need null, since ${reason}: ${base}`]);
    }
    return faults;
  },
  flops({ layers, width }, { all, time }) {
    const attended = layers * width * time;
    return [
      denseFlops(all),
      {
        formula: "6N + 12LHQT",
        per_token: 6 * all + 12 * attended,
        words: "all parameters, attention to all T tokens (PaLM, appendix B; nanoGPT, which " +
          "leaves the position table out of N)",
      },
      {
        formula: "6N + 6LCT",
        per_token: 6 * all + 6 * attended,
        words: "all parameters, the causal half of attention (llm.c)",
      },
    ];
  },
});

/** The output layer over [B, T, D]; over [B, D] of the last position with `last`. */
function gptHead(
  scope: Scope,
  { tokens, vocabulary, classes, last, starts }: Omit<LogitsInput, "carries">,
  config: GptConfig,
): Head {
  const { layers, width, dropout: p } = config;
  const embedded = embed(scope.in("tokens"), tokens, { vocabulary, width });
  let x = dropout(scope, positions(scope.in("positions"), embedded, config.positions), p);
  for (let i = 0; i < layers; i++) x = block(scope.in(`blocks.${i}`), x, { ...config, starts });
  x = layerNorm(scope.in("norm"), last ? readout(x, "last") : x);
  const { logits: factor } = widthFactors(config);
  return config.tie_embeddings
    ? tiedHead(scope.in("tokens"), x, { vocabulary, width, factor })
    : outputHead(scope.in("head"), x, { classes, bias: false, factor });
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
    parts: [width, width, width],
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
