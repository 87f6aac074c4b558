/** The configs of convolutional networks. */
import * as z from "zod";

const size = z.int().min(1);

/** The `model` part of a config for a convolutional network over images. */
export const convnetSchema = z.strictObject({
  kind: z.literal("convnet").describe("Model family: a convolutional network over images"),
  channels: z.array(size).min(1).max(64).default([6, 16])
    .describe("Channels of each convolution, from the image on"),
  kernel: size.default(5).describe("Height and width of the windows of convolutions"),
  padding: z.int().min(0).nullable().default(null)
    .describe(
      "Zeros around the input of each convolution; null pads the image alone, by kernel / 2",
    ),
  pool: size.default(2)
    .describe("Height and width of max pooling behind each convolution; 1 is none"),
  dense: z.array(size).max(64).default([120, 84])
    .describe("Widths of the dense layers before the output"),
  dropout: z.number().min(0).lt(1).default(0)
    .describe("Probability to drop an activation of a dense layer"),
});

/** A complete config of a convolutional network over images. */
export type ConvnetConfig = z.infer<typeof convnetSchema>;

/** The `model` part of a config for a convolutional network over characters. */
export const charCnnSchema = z.strictObject({
  kind: z.literal("char_cnn").describe("Model family: a convolutional network over tokens"),
  width: size.default(64).describe("Features per token"),
  kernels: z.array(size).min(1).max(64).default([3, 4, 5])
    .describe("Tokens of the windows of each group of filters"),
  filters: size.default(64).describe("Filters of each group"),
  dropout: z.number().min(0).lt(1).default(0)
    .describe("Probability to drop a filter's maximum"),
});

/** A complete config of a convolutional network over characters. */
export type CharCnnConfig = z.infer<typeof charCnnSchema>;
