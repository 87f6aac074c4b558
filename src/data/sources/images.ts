/**
 * Image classification: labelled images, in a shuffled order that visits each once in an epoch. The
 * test images are evaluated, each once.
 */
import { IGNORE } from "../../base/ignore.ts";
import { windowOf } from "../batch.ts";
import { readImage, recordWords } from "../images/records.ts";
import type { DataConfig } from "../schema.ts";
import type { Batch, Source, SourceInput } from "../source.ts";
import type { Tokens } from "../tokens.ts";
import type { SourceMaker } from "./maker.ts";
import { firstNumber } from "./numbers.ts";
import { onlyText } from "./only_text.ts";

/** Name of the tensor of pixels. */
const PIXELS = "pixels";

/** Images and their labels: pixels f32 [B, H, W, 1], targets u32 [B]. */
export const imageSource: SourceMaker = {
  needsText: false,
  needsImages: true,
  samplesIn: (config, length) => length / recordWords(sizesOf(config)),
  task: ({ image_height: height, image_width: width, image_classes: classes }) => ({
    // An image is one position: tokens of a step are images.
    time: 1,
    vocabulary: 0,
    classes,
    targetKind: "sequence_class",
    tensors: {
      [PIXELS]: {
        shape: [height, width, 1],
        dtype: "f32",
        meaning: "brightness in [0, 1]; 0 in rows without an image",
      },
      targets: { shape: [], dtype: "u32", meaning: "class of the image; IGNORE: no image" },
    },
    countedPerWindow: 1,
    carries: false,
  }),
  make: imagesOf,
};

function sizesOf({ image_height: height, image_width: width }: DataConfig) {
  return { height, width };
}

function imagesOf(config: DataConfig, input: SourceInput): Source {
  const { windows, key } = input;
  const { height, width } = sizesOf(config);
  const { train, validation } = onlyText(input);
  const words = recordWords({ height, width });
  const [own, tested] = [train.length / words, validation.length / words];
  const total = input.evaluation.windows === 0
    ? tested
    : Math.min(tested, input.evaluation.windows);
  const gather = (records: Tokens, numbers: readonly number[]): Batch => {
    const pixels = new Float32Array(windows * height * width);
    const targets = new Uint32Array(windows).fill(IGNORE);
    const record = new Uint32Array(words);
    numbers.forEach((number, b) => {
      const row = pixels.subarray(b * height * width, (b + 1) * height * width);
      targets[b] = readImage(records, number, { pixels: row, record });
    });
    return { tensors: { [PIXELS]: pixels, targets }, counted: numbers.length, fresh: true };
  };
  return {
    train(at) {
      const first = firstNumber(at, input);
      const numbers = Array.from({ length: windows }, (_, b) => windowOf(key, first + b, own));
      return gather(train, numbers);
    },
    sequences: Math.ceil(total / windows),
    evaluation(sequence) {
      const first = sequence * windows;
      const count = Math.max(0, Math.min(windows, total - first));
      return [gather(validation, Array.from({ length: count }, (_, b) => first + b))];
    },
  };
}
