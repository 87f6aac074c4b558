/**
 * A convolutional network over images, after LeNet-5 (LeCun et al. 1998, section II.B): convolutions
 * with pooling, then dense layers. Here activations are ReLUs, pooling takes the maximum, and each
 * channel reads all channels before it. B batch, H height, W width, K classes.
 */
import { reshape } from "../../../kernels/shape/mod.ts";
import type { Task } from "../../data/source.ts";
import type { Tensor } from "../../graph/types.ts";
import { conv2d, heStd, maxPool2d } from "../../nn/convolution.ts";
import { relu } from "../../nn/elementwise.ts";
import { outputHead } from "../../nn/head.ts";
import { dropout, linear } from "../../nn/layers.ts";
import { classification } from "../../nn/terms.ts";
import { defineModel, type ModelFault } from "../definition.ts";
import { type ConvnetConfig, convnetSchema } from "./schema.ts";
import { type Area2d, convnetForwardFlops, convolutionSizes } from "./sizes.ts";
import { CONVNET_LAYOUT } from "./torch.ts";

/** Name of the batch's tensor that it reads: f32 [B, H, W, 1]. */
const PIXELS = "pixels";

/** The model. */
export const convnet = defineModel<ConvnetConfig>({
  kind: "convnet",
  schema: convnetSchema,
  reads: [PIXELS],
  targets: ["sequence_class"],
  loss(scope, { pixels, targets }, config, { classes }) {
    const [batch = 1, height = 1, width = 1] = (pixels as Tensor).shape;
    let x = pixels as Tensor;
    convolutionSizes(config, { height, width }).forEach(({ to, padding }, i) => {
      const options = { width: to, kernel: config.kernel, padding };
      x = relu(conv2d(scope.in(`conv.${i}`), x, options));
      if (config.pool > 1) x = maxPool2d(x, { kernel: config.pool });
    });
    x = reshape(x, [batch, -1]);
    config.dense.forEach((width, i) => {
      const std = heStd(x.shape.at(-1) as number);
      x = relu(linear(scope.in(`dense.${i}`), x, { width, std }));
      x = dropout(scope, x, config.dropout);
    });
    return classification(outputHead(scope.in("head"), x, { classes }), targets as Tensor);
  },
  generates: () => "it reads images",
  exchange: CONVNET_LAYOUT,
  faults: (config, { task }) => sizeFaults(config, task),
  unused: ({ dense }) => dense.length === 0 ? [["dropout", "a model.dense with layers"]] : [],
  flops: (config, { task }) => [{
    formula: "3F",
    per_token: 3 * convnetForwardFlops(config, { image: imageOf(task), classes: task.classes }),
    words: "products of an image forward, and twice as many backward",
  }],
});

/** H and W of the images of a task. */
function imageOf({ tensors }: Task): Area2d {
  const [height = 1, width = 1] = tensors[PIXELS]?.shape ?? [];
  return { height, width };
}

/** The first layer behind which nothing is left of an image. */
function sizeFaults(config: ConvnetConfig, task: Task): ModelFault[] {
  const image = imageOf(task);
  const sizes = convolutionSizes(config, image);
  const at = sizes.findIndex(({ pooled: { height, width } }) => height < 1 || width < 1);
  const found = sizes[at];
  if (found === undefined) return [];
  const before = at === 0 ? image : (sizes[at - 1] as typeof found).pooled;
  const isConvolved = found.convolved.height >= 1 && found.convolved.width >= 1;
  const { height, width } = isConvolved ? found.convolved : before;
  const [key, value] = isConvolved
    ? ["pool", config.pool] as const
    : ["kernel", config.kernel] as const;
  const need = `need windows that fit what convolution ${at + 1} has, ${height} x ${width} pixels`;
  return [[key, `${need}: ${value}`]];
}
