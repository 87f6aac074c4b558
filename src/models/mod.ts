/** The table of models: a new one is a file of its own, a line here, and nothing elsewhere. */
import * as z from "zod";
import { gpt, gptSchema } from "./gpt.ts";
import { recurrentNet, recurrentSchema } from "./recurrent.ts";
import type { Logits } from "./types.ts";

/** Every model by its `kind`. */
export const MODELS = {
  gpt: { schema: gptSchema, logits: gpt },
  recurrent: { schema: recurrentSchema, logits: recurrentNet },
} as const;

/** The `model` part of a config: the schema of the model that `kind` names. */
export const modelSchema = z.discriminatedUnion(
  "kind",
  nonEmpty(Object.values(MODELS).map(({ schema }) => schema)),
);

/** A complete `model` part. */
export type ModelConfig = z.infer<typeof modelSchema>;

/** The model that a config names. */
export function logitsOf(config: ModelConfig): Logits<ModelConfig> {
  // The table pairs each kind with its own config; the checker cannot follow the pairing.
  return MODELS[config.kind].logits as Logits<ModelConfig>;
}

/** A list that the type checker knows is not empty. */
function nonEmpty<T>(list: readonly T[]): [T, ...T[]] {
  const [first, ...rest] = list;
  if (first === undefined) throw new RangeError("Cannot list models: need at least one: 0");
  return [first, ...rest];
}
