/**
 * Labelled images as records of u32 words: the label, then the pixels, four to a word. So a set of
 * images is a list of numbers like the tokens of a text, and travels to workers as those do. Pure.
 */
import { showShape } from "../../base/shape.ts";
import { UserError } from "../../base/user_error.ts";
import type { Tokens } from "../tokens.ts";
import type { Idx } from "./idx.ts";

/** Sizes that a config gives to images. */
export interface ImageSizes {
  /** H, in pixels. */
  readonly height: number;
  /** W, in pixels. */
  readonly width: number;
  /** Distinct labels K. */
  readonly classes: number;
}

/** Images of one part, with their labels, and the names of their files. */
export interface LabelledImages {
  /** u8 [N, H, W] */
  readonly images: Idx;
  /** u8 [N] */
  readonly labels: Idx;
  readonly names: { readonly images: string; readonly labels: string };
}

/** Largest value of a pixel. */
const WHITE = 255;

/** Words of a record. */
export function recordWords({ height, width }: Pick<ImageSizes, "height" | "width">): number {
  return 1 + Math.ceil(height * width / 4);
}

/**
 * The records of images, in order. @throws {UserError} `data` for images of other sizes than those of
 * the config, for labels of another number, and for a label that is no class.
 */
export function imageRecords(
  { images, labels, names }: LabelledImages,
  { height, width, classes }: ImageSizes,
): Uint32Array {
  const [count = 0, ...sizes] = images.shape;
  const bad = (name: string, fault: string) =>
    new UserError("data", `Cannot read ${name}: ${fault}`);
  if (sizes[0] !== height || sizes[1] !== width) {
    throw bad(
      names.images,
      `need images of ${height} x ${width} pixels (data.image_height, data.image_width): they are ` +
        sizes.join(" x "),
    );
  }
  if (count === 0) throw bad(names.images, "need at least one image: there are none");
  if (labels.shape[0] !== count) {
    throw bad(
      names.labels,
      `need ${count} labels, one for each image of ${names.images}: there are ` +
        showShape(labels.shape).slice(1, -1),
    );
  }
  const wrong = labels.data.findIndex((label) => label >= classes);
  if (wrong >= 0) {
    throw bad(
      names.labels,
      `need labels below ${classes} (data.image_classes): label ${wrong} is ${labels.data[wrong]}`,
    );
  }
  const [words, pixels] = [recordWords({ height, width }), height * width];
  const records = new Uint32Array(count * words);
  const bytes = new Uint8Array(records.buffer);
  labels.data.forEach((label, n) => {
    records[n * words] = label;
    bytes.set(images.data.subarray(n * pixels, (n + 1) * pixels), 4 * (n * words + 1));
  });
  return records;
}

/** Where a batch gets an image. */
export interface ImageRow {
  /** f32 [H, W], in [0, 1]; filled. */
  readonly pixels: Float32Array;
  /** Words of a record; overwritten. */
  readonly record: Uint32Array;
}

/** Reads image `number` of records, and returns its label. Pixels become byte / 255. */
export function readImage(records: Tokens, number: number, { pixels, record }: ImageRow): number {
  records.read(number * record.length, record);
  const bytes = new Uint8Array(record.buffer, record.byteOffset + 4);
  for (let i = 0; i < pixels.length; i++) pixels[i] = (bytes[i] as number) / WHITE;
  return record[0] as number;
}
