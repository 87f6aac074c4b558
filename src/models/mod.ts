/** The model registry: a new model is one file and one line here. */
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

/** The logits function of a config's model. */
export function logitsOf(config: ModelConfig): Logits<ModelConfig> {
  // The table pairs each kind with its config type, which TypeScript cannot express here.
  return MODELS[config.kind].logits as Logits<ModelConfig>;
}

/** A list with a non-empty type. @throws {RangeError} when it is empty. */
function nonEmpty<T>(list: readonly T[]): [T, ...T[]] {
  const [first, ...rest] = list;
  if (first === undefined) throw new RangeError("Cannot list models: need at least one: 0");
  return [first, ...rest];
}
