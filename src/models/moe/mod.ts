/**
 * A decoder with mixtures of experts (Jiang et al. 2024: Mixtral): Llama's blocks, in which a router
 * sends each token to some of several gated layers. The loss has two more terms, which balance the
 * experts and keep the logits of the routers small.
 */
import type { Tensor } from "../../graph/types.ts";
import { mixtureOfExperts, routerTerms, type Routing } from "../../nn/experts.ts";
import type { Head } from "../../nn/head.ts";
import type { Scope } from "../../nn/scope.ts";
import { classification } from "../../nn/terms.ts";
import { decoderFlops, windowNotices } from "../attention_flops.ts";
import { defineModel, type LogitsInput, tiedFaults } from "../definition.ts";
import { decoderHead } from "../llama/decoder.ts";
import { headWidthOf, mlpWidthOf } from "../llama/schema.ts";
import { MOE_LAYOUT } from "./layout.ts";
import { idleOf, type MoeConfig, moeSchema } from "./schema.ts";

export { type MoeConfig, moeSchema } from "./schema.ts";

/** The model. */
export const moe = defineModel<MoeConfig>({
  kind: "moe",
  schema: moeSchema,
  loss(scope, { tokens, targets, starts }, config, { vocabulary, classes, targetKind }) {
    const last = targetKind === "sequence_class";
    const carries = false;
    const input = { tokens: tokens as Tensor, vocabulary, classes, last, carries, starts };
    const { head, routings } = moeHead(scope, input, config);
    const { balance_weight: balance, z_weight: z } = config;
    return {
      ...classification(head, targets as Tensor),
      ...routerTerms(routings, { balance, z }),
    };
  },
  logits(scope, input, config) {
    const { head } = moeHead(scope, input, config);
    return head.logits(head.x);
  },
  generates: () => ({ memory: "window" }),
  exchange: MOE_LAYOUT,
  documents: true,
  reads: ["tokens"],
  faults: ({ tie_embeddings }, { task, source }) => tiedFaults(tie_embeddings, { task, source }),
  notices: ({ attention_window, experts_per_token: chosen }, time) => [
    ...windowNotices(attention_window, time),
    ...chosen > 1 ? [] : [
      "model.experts_per_token 1: the weight of the only expert is 1, so that the prediction does " +
      "not train the routers",
    ],
  ],
  idle: idleOf,
  flops: (config, { all, ...sizes }) =>
    decoderFlops(
      {
        layers: config.layers,
        columns: config.heads * headWidthOf(config),
        window: config.attention_window,
      },
      { ...sizes, all: all - idleOf(config) },
      "parameters that a token uses",
    ),
});

/** The output layer over [B, T, D], or over [B, D] with `last`, and the routing of each block. */
function moeHead(
  scope: Scope,
  input: LogitsInput,
  config: MoeConfig,
): { readonly head: Head; readonly routings: readonly Routing[] } {
  const routings: Routing[] = [];
  const { experts, experts_per_token: perToken, capacity_factor: factor } = config;
  const hidden = mlpWidthOf(config);
  const head = decoderHead(scope, input, {
    config: { ...config, qk_norm: false },
    feedForward(scope, x, { scale }) {
      const capacityFactor = factor ?? undefined;
      const made = mixtureOfExperts(scope, x, { experts, perToken, hidden, capacityFactor, scale });
      routings.push(made.routing);
      return made.y;
    },
  });
  return { head, routings };
}
