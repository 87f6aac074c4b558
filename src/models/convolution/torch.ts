/**
 * Converts our convolutional networks to PyTorch's names and shapes and back. There channels come
 * before places: kernels are [out, in, kh, kw], and images are flattened channel by channel. K classes.
 */
import { UserError } from "../../base/user_error.ts";
import { parsed } from "../../exchange/parsed.ts";
import { inward, type LayoutRow, outward } from "../../exchange/rows.ts";
import type { ExportLayout, Sizes } from "../../exchange/types.ts";
import { charCnnJsonSchema, convnetJsonSchema } from "./config_json.ts";
import { type CharCnnConfig, charCnnSchema, type ConvnetConfig, convnetSchema } from "./schema.ts";
import charCnnPy from "./char_cnn.py" with { type: "text" };
import convnetPy from "./convnet.py" with { type: "text" };

/** The rows of a layer: its matrix, with `shape` there, and its bias. */
function layer(
  name: string,
  shape: readonly number[],
  channelsFirst: { readonly channels: number; readonly places: number },
): LayoutRow[] {
  const [weight, bias] = [`${name}.weight`, `${name}.bias`];
  return [
    { ours: weight, theirs: weight, shape, channelsFirst },
    { ours: bias, theirs: bias, shape: [shape[0] as number] },
  ];
}

/** Rows of a network over images, whose first dense layer has `features` inputs. */
function convnetRows(
  { model, classes }: Pick<Sizes<ConvnetConfig>, "model" | "classes">,
  features: number,
): LayoutRow[] {
  const { channels, kernel, dense } = model;
  const last = channels.at(-1) as number;
  const widths = [features, ...dense];
  // Inputs of the layer behind the convolutions are places of channels, those of others are plain.
  const inputs = (i: number) =>
    i === 0
      ? { channels: last, places: features / last }
      : { channels: widths[i] as number, places: 1 };
  return [
    ...channels.flatMap((to, i) => {
      const from = i === 0 ? 1 : channels[i - 1] as number;
      return layer(`conv.${i}`, [to, from, kernel, kernel], {
        channels: from,
        places: kernel ** 2,
      });
    }),
    ...dense.flatMap((to, i) => layer(`dense.${i}`, [to, widths[i] as number], inputs(i))),
    ...layer("head", [classes, widths.at(-1) as number], inputs(dense.length)),
  ];
}

/** Name of the matrix behind the convolutions, whose inputs tell the size of images. */
function firstDense({ dense }: ConvnetConfig): string {
  return dense.length === 0 ? "head.weight" : "dense.0.weight";
}

/** Networks over images, with PyTorch's names. */
export const CONVNET_LAYOUT: ExportLayout<ConvnetConfig> = {
  types: ["shoal_convnet"],
  name: () => "a convolutional network with PyTorch's names",
  config({ model: { kind: _, ...model }, classes }) {
    return { model_type: "shoal_convnet", ...model, classes };
  },
  tensors: ({ params, ...sizes }) =>
    outward(params, convnetRows(sizes, params.get(firstDense(sizes.model))?.shape[0] ?? 0)),
  files: () => ({ "model.py": convnetPy }),
  read(json, file, { config: path, weights }) {
    const { model_type: _, classes, ...own } = parsed(convnetJsonSchema, json, path);
    const model = parsed(convnetSchema, { kind: "convnet", ...own }, path);
    const name = firstDense(model);
    const features = file.tensors.get(name)?.shape[1] ?? 0;
    const last = model.channels.at(-1) as number;
    if (features % last !== 0 || features === 0) {
      throw new UserError(
        "data",
        `Cannot import ${weights}: need ${name} with a multiple of ${last} columns: ${features}`,
      );
    }
    const rows = convnetRows({ model, classes }, features);
    return {
      model,
      context: 1,
      vocabulary: 0,
      classes,
      targetKind: "sequence_class",
      params: inward(file, rows, { what: weights }),
    };
  },
};

function charCnnRows({ model, vocabulary, classes }: Sizes<CharCnnConfig>): LayoutRow[] {
  const { width, kernels, filters } = model;
  const maxima = kernels.length * filters;
  return [
    { ours: "tokens.weight", theirs: "embedding.weight", shape: [vocabulary, width] },
    ...kernels.flatMap((kernel, i) =>
      layer(`conv.${i}`, [filters, width, kernel], { channels: width, places: kernel })
    ),
    ...layer("head", [classes, maxima], { channels: maxima, places: 1 }),
  ];
}

/** Networks over characters, with PyTorch's names. */
export const CHAR_CNN_LAYOUT: ExportLayout<CharCnnConfig> = {
  types: ["shoal_char_cnn"],
  name: () => "a convolutional network with PyTorch's names",
  config: ({ model: { kind: _, ...model }, vocabulary, classes, context }) => ({
    model_type: "shoal_char_cnn",
    ...model,
    vocab_size: vocabulary,
    classes,
    context,
  }),
  tensors: (portable) => outward(portable.params, charCnnRows(portable)),
  files: () => ({ "model.py": charCnnPy }),
  read(json, file, { config: path, weights }) {
    const { model_type: _, vocab_size: vocabulary, classes, context, ...own } = parsed(
      charCnnJsonSchema,
      json,
      path,
    );
    const model = parsed(charCnnSchema, { kind: "char_cnn", ...own }, path);
    const sizes = { model, context, vocabulary, classes, targetKind: "sequence_class" } as const;
    return { ...sizes, params: inward(file, charCnnRows(sizes), { what: weights }) };
  },
};
