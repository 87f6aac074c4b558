/** config.json of exported convolutional networks. */
import * as z from "zod";
import { charCnnSchema, convnetSchema } from "./schema.ts";

const count = z.int().min(1).max(2 ** 31);

/** config.json of a network over images: the keys of its config, and its classes. */
export const convnetJsonSchema = convnetSchema.omit({ kind: true }).extend({
  model_type: z.literal("shoal_convnet"),
  classes: count,
});

/** config.json of a network over characters: the keys of its config, and its sizes. */
export const charCnnJsonSchema = charCnnSchema.omit({ kind: true }).extend({
  model_type: z.literal("shoal_char_cnn"),
  vocab_size: count,
  classes: count,
  context: count,
});
