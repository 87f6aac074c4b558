/** Opens the images that a config names, as records of one text in memory. */
import { runBlocking } from "../base/blocking.ts";
import { basename } from "node:path";
import { hashValue, sha256 } from "../base/hash.ts";
import { readImageFiles } from "../data/images/files.ts";
import { imageRecords } from "../data/images/records.ts";
import type { DataConfig } from "../data/schema.ts";
import { textIn } from "../data/text.ts";
import { type Data, requireHash, type Settled } from "./settled.ts";

/**
 * Images to train on, and the test images to validate on. @throws {UserError} `noInput` or `data` for
 * files that are missing or damaged, `incompatible` for others than `settled` requires.
 */
export async function readImages(
  { path, image_height: height, image_width: width, image_classes: classes }: DataConfig,
  settled: Settled | undefined,
): Promise<Data> {
  const { train, test } = await readImageFiles(path);
  const sizes = { height, width, classes };
  const parts = await runBlocking(() => ({
    train: imageRecords(train, sizes),
    validation: imageRecords(test, sizes),
  }));
  const hash = hashValue(
    [train, test].map(({ images, labels }) => [images, labels].map(({ data }) => sha256(data))),
  );
  requireHash(hash, settled, "the set of images");
  const name = path === null ? "MNIST" : basename(path);
  return { corpus: { texts: [textIn(parts, { name })], vocabulary: 0 }, hash, notes: [] };
}
