/** Sizes of the layers of a convolutional network, and their FLOP. Pure. */
import { windowsAlong } from "../../../kernels/convolution/mod.ts";
import type { ConvnetConfig } from "./schema.ts";

/** Height and width in pixels. */
export interface Area2d {
  readonly height: number;
  readonly width: number;
}

/** Sizes of one convolution, with the pooling behind it. */
export interface ConvolutionSizes {
  readonly padding: number;
  /** Channels of its input and output. */
  readonly from: number;
  readonly to: number;
  /** Of the convolution's output. */
  readonly convolved: Area2d;
  /** Of the pooled output; sizes below 1 where the image is too small. */
  readonly pooled: Area2d;
}

/** Sizes of all convolutions over an image of one channel, in order. */
export function convolutionSizes(
  { channels, kernel, padding, pool }: ConvnetConfig,
  image: Area2d,
): ConvolutionSizes[] {
  let [area, from] = [image, 1];
  return channels.map((to, layer) => {
    const own = padding ?? (layer === 0 ? Math.floor(kernel / 2) : 0);
    const convolved = slid(area, { kernel, stride: 1, padding: own });
    const pooled = slid(convolved, { kernel: pool, stride: pool, padding: 0 });
    const sizes = { padding: own, from, to, convolved, pooled };
    [area, from] = [pooled, to];
    return sizes;
  });
}

function slid(
  { height, width }: Area2d,
  window: Omit<Parameters<typeof windowsAlong>[0], "size">,
): Area2d {
  return {
    height: windowsAlong({ size: height, ...window }),
    width: windowsAlong({ size: width, ...window }),
  };
}

/** Features of the flattened output of the last convolution. */
export function flatWidth(sizes: readonly ConvolutionSizes[]): number {
  const { pooled: { height, width }, to } = sizes.at(-1) as ConvolutionSizes;
  return height * width * to;
}

/** Products and sums of a forward pass over an image, in FLOP: 2 per element of a weight and output. */
export function convnetForwardFlops(
  config: ConvnetConfig,
  { image, classes }: { readonly image: Area2d; readonly classes: number },
): number {
  const sizes = convolutionSizes(config, image);
  const convolutions = sizes.map(({ from, to, convolved: { height, width } }) =>
    2 * config.kernel ** 2 * from * to * height * width
  );
  const widths = [flatWidth(sizes), ...config.dense, classes];
  const dense = widths.slice(1).map((width, i) => 2 * (widths[i] as number) * width);
  return [...convolutions, ...dense].reduce((sum, flops) => sum + flops, 0);
}
