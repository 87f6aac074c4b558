/** The model registry: a new model is one file, its schema in the union and its name in the table. */
import * as z from "zod";
import type { AnyModel, ModelDefinition } from "./definition.ts";
import { encoder, encoderSchema } from "./encoder/mod.ts";
import { encoderDecoder, encoderDecoderSchema } from "./encoder_decoder/mod.ts";
import { gpt, gptSchema } from "./gpt/mod.ts";
import { charCnn, charCnnSchema, convnet, convnetSchema } from "./convolution/mod.ts";
import { llama, llamaSchema } from "./llama/mod.ts";
import { moe, moeSchema } from "./moe/mod.ts";
import { recurrentNet, recurrentSchema } from "./recurrent/mod.ts";
import { userModel } from "./user_model.ts";

/** The `model` part of a config: the schema of the model that `kind` names. */
export const modelSchema = z.discriminatedUnion("kind", [
  gptSchema,
  llamaSchema,
  moeSchema,
  encoderSchema,
  encoderDecoderSchema,
  recurrentSchema,
  convnetSchema,
  charCnnSchema,
]);

/** A complete `model` part. */
export type ModelConfig = z.infer<typeof modelSchema>;

/** Every model by its `kind`. */
export const MODELS = {
  gpt,
  llama,
  moe,
  encoder,
  encoder_decoder: encoderDecoder,
  recurrent: recurrentNet,
  convnet,
  char_cnn: charCnn,
} as const;

/** The definition of a config's model. */
export function modelOf(config: ModelConfig): ModelDefinition<AnyModel> {
  const { kind, sha256 } = config as ModelConfig & { readonly sha256?: string };
  // The table pairs each kind with its config type, which TypeScript cannot express here.
  return userModel(sha256) ?? MODELS[kind] as unknown as ModelDefinition<AnyModel>;
}

/** Trainable elements that one token does not use. */
export function idleParams(config: ModelConfig): number {
  return modelOf(config).idle?.(config) ?? 0;
}

/** Whether a model can continue texts. */
export function canGenerate(config: ModelConfig): boolean {
  return typeof (modelOf(config).generates?.(config) ?? "") !== "string";
}

/** Whether a module of the user defines the model of a config. */
export function isUserModel(config: ModelConfig): boolean {
  return userModel((config as { readonly sha256?: string }).sha256) !== undefined;
}
