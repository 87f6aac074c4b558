/** The config of a mixture of experts. */
import * as z from "zod";
import { checkHeads, llamaKeys, mlpWidthOf } from "../llama/schema.ts";

const { qk_norm: _, ...shared } = llamaKeys;

/** The `model` part of a config for a mixture of experts. */
export const moeSchema = z.strictObject({
  kind: z.literal("moe").describe("Model family: Llama's blocks with a mixture of experts"),
  ...shared,
  experts: z.int().min(1).default(8).describe("Experts per block"),
  experts_per_token: z.int().min(1).default(2).describe("Experts that a token is sent to"),
  capacity_factor: z.number().gt(0).nullable().default(null).describe(
    "Tokens that an expert takes in training, by an even share of them; null is all that choose it",
  ),
  balance_weight: z.number().min(0).default(0.01)
    .describe("Weight of the loss term that balances the experts"),
  z_weight: z.number().min(0).default(0.001)
    .describe("Weight of the loss term that keeps the logits of routers small"),
}).superRefine((model, context) => {
  checkHeads(model, context);
  const { experts, experts_per_token: chosen } = model;
  if (chosen <= experts) return;
  const message = `need at most model.experts, ${experts}: ${chosen}`;
  context.addIssue({ code: "custom", path: ["experts_per_token"], message });
});

/** A complete config of a mixture of experts. */
export type MoeConfig = z.infer<typeof moeSchema>;

/** Elements of the expert matrices that a token is not multiplied by. */
export function idleOf(model: MoeConfig): number {
  const { layers, width, experts, experts_per_token: chosen } = model;
  return layers * (experts - chosen) * 3 * width * mlpWidthOf(model);
}
