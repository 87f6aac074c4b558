/** Small labelled images, as IDX files and as records. */
import type { RunConfig } from "../../../src/config/schema.ts";
import { rootKey, threefry } from "../../../src/base/random.ts";
import type { Corpus } from "../../../src/corpus/corpus.ts";
import { imageRecords } from "../../../src/data/images/records.ts";
import { textIn } from "../../../src/data/text.ts";

/** An IDX file of unsigned bytes. */
export function idxFile(
  shape: readonly number[],
  data: ArrayLike<number>,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 + 4 * shape.length + data.length);
  bytes.set([0, 0, 8, shape.length]);
  const view = new DataView(bytes.buffer);
  shape.forEach((size, axis) => view.setUint32(4 + 4 * axis, size));
  bytes.set(Array.from(data), 4 + 4 * shape.length);
  return bytes;
}

/** Sizes of a set of images. */
export interface ImageSet {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly classes: number;
}

/** Random pixels, brighter in the row that the label names, and labels in turn. */
export function drawnImages(
  { count, height, width, classes }: ImageSet,
  seed = 1,
): { readonly pixels: Uint8Array; readonly labels: Uint8Array } {
  const labels = Uint8Array.from({ length: count }, (_, n) => n % classes);
  const pixels = Uint8Array.from({ length: count * height * width }, (_, i) => {
    const [n, row] = [Math.floor(i / (height * width)), Math.floor(i / width) % height];
    const noise = threefry(rootKey(seed), i, 0)[0] % 128;
    return row === labels[n] ? 127 + noise : noise;
  });
  return { pixels, labels };
}

/** The names that the four files have. */
export const IDX_NAMES = {
  train: ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"],
  test: ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
} as const;

/** Writes both parts of a set to a folder. */
export function writeImages(
  folder: string,
  { train, test, ...sizes }: Omit<ImageSet, "count"> & { train: number; test: number },
): void {
  Deno.mkdirSync(folder, { recursive: true });
  for (const [part, count] of [["train", train], ["test", test]] as const) {
    const { pixels, labels } = drawnImages({ count, ...sizes }, count);
    const [images, classes] = IDX_NAMES[part];
    const shape = [count, sizes.height, sizes.width];
    Deno.writeFileSync(`${folder}/${images}`, idxFile(shape, pixels));
    Deno.writeFileSync(`${folder}/${classes}`, idxFile([count], labels));
  }
}

/** Images of a config's sizes in memory: 40 to train on, 7 to validate on. */
export function imageCorpus({ data }: Pick<RunConfig, "data">): Corpus {
  const sizes = { height: data.image_height, width: data.image_width, classes: data.image_classes };
  const records = (count: number) => {
    const { pixels, labels } = drawnImages({ count, ...sizes }, count);
    return imageRecords({
      images: { shape: [count, sizes.height, sizes.width], data: pixels },
      labels: { shape: [count], data: labels },
      names: { images: "images", labels: "labels" },
    }, sizes);
  };
  return { texts: [textIn({ train: records(40), validation: records(7) })], vocabulary: 0 };
}
