/**
 * A convolutional network that classifies texts (Kim 2014): an embedding, groups of filters of several
 * widths, the maximum of each over time, a linear head. Without padding, with one trained embedding.
 * B batch, T time, F filters of a group, G groups, K classes.
 */
import { concat } from "../../../kernels/shape/mod.ts";
import type { Tensor } from "../../graph/types.ts";
import { conv1d, maxOverTime } from "../../nn/convolution.ts";
import { relu } from "../../nn/elementwise.ts";
import { outputHead } from "../../nn/head.ts";
import { dropout, embed } from "../../nn/layers.ts";
import { maxOf } from "../../base/extremes.ts";
import { defineModel, type LogitsInput } from "../definition.ts";
import { headModel } from "../head_model.ts";
import { type CharCnnConfig, charCnnSchema } from "./schema.ts";
import { CHAR_CNN_LAYOUT } from "./torch.ts";
import type { Head } from "../../nn/head.ts";
import type { Scope } from "../../nn/scope.ts";

/** The model. */
export const charCnn = defineModel<CharCnnConfig>(headModel({
  kind: "char_cnn",
  schema: charCnnSchema,
  targets: ["sequence_class"],
  head: headOf,
  generates: () => "it gives one label of a whole text",
  exchange: CHAR_CNN_LAYOUT,
  faults({ kernels }, { task: { time } }) {
    const widest = maxOf(kernels);
    return widest <= time
      ? []
      : [["kernels", `need at most the ${time} tokens of a window: ${widest}`]];
  },
  flops: ({ width, kernels, filters }, { task: { time, classes } }) => {
    const windows = kernels.map((kernel) => (time - kernel + 1) * kernel);
    const products = windows.reduce((sum, n) => sum + 2 * n * width * filters, 0);
    const head = 2 * kernels.length * filters * classes;
    return [{
      formula: "3F",
      per_token: 3 * (products + head) / time,
      words: "products of a text forward, and twice as many backward",
    }];
  },
}));

/** The output layer over the maxima of all filters: [B, G F]. */
function headOf(
  scope: Scope,
  { tokens, vocabulary, classes }: LogitsInput,
  { width, kernels, filters, dropout: p }: CharCnnConfig,
): Head {
  // Unit variance, as in torch.nn.Embedding: the scale that initial filters keep.
  const x = embed(scope.in("tokens"), tokens, { vocabulary, width, std: 1 });
  const maxima = kernels.map((kernel, i): Tensor =>
    maxOverTime(relu(conv1d(scope.in(`conv.${i}`), x, { width: filters, kernel })))
  );
  return outputHead(scope.in("head"), dropout(scope, maxima.reduce(concat), p), { classes });
}
