/** Folders of IDX files, plain and gzipped, and what is said of those that are not. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { gzipSync } from "node:zlib";
import { UserError } from "../../../src/base/user_error.ts";
import { readImageFiles } from "../../../src/data/images/files.ts";
import { imageRecords } from "../../../src/data/images/records.ts";
import { TempFolder } from "../../checkpoint/fixture.ts";
import { drawnImages, IDX_NAMES, writeImages } from "./fixture.ts";

const SIZES = { height: 3, width: 5, classes: 4 };

Deno.test("a folder gives both parts, as they are or gzipped", async () => {
  using temp = new TempFolder();
  writeImages(temp.path, { ...SIZES, train: 6, test: 2 });
  const plain = await readImageFiles(temp.path);
  assertEquals(plain.train.images.shape, [6, 3, 5]);
  assertEquals(plain.test.labels.data, drawnImages({ ...SIZES, count: 2 }).labels);
  for (const name of [...IDX_NAMES.train, ...IDX_NAMES.test]) {
    const path = `${temp.path}/${name}`;
    Deno.writeFileSync(`${path}.gz`, gzipSync(Deno.readFileSync(path)));
    Deno.removeSync(path);
  }
  const packed = await readImageFiles(temp.path);
  assertEquals(packed.train.images, plain.train.images);
  assertEquals(packed.test.labels, plain.test.labels);
});

Deno.test("files that are missing, twice or cut off are refused by name", async () => {
  using temp = new TempFolder();
  const folder = `${temp.path}/set`;
  const refused = async (says: string, exit: string) => {
    const error = await assertRejects(() => readImageFiles(folder), UserError, says);
    assertEquals([error.exit, error.message.includes("\n")], [exit, false]);
  };
  await refused("there is none", "noInput");
  writeImages(folder, { ...SIZES, train: 6, test: 2 });
  const path = `${folder}/${IDX_NAMES.train[0]}`;
  const bytes = Deno.readFileSync(path);
  Deno.writeFileSync(`${path}.gz`, gzipSync(bytes));
  await refused("there are train-images-idx3-ubyte, train-images-idx3-ubyte.gz", "noInput");
  Deno.removeSync(path);
  Deno.writeFileSync(`${path}.gz`, gzipSync(bytes).subarray(0, -9));
  await refused("need a whole gzip file", "data");
  Deno.removeSync(`${path}.gz`);
  await refused(
    `Cannot read images in ${folder}: need one file train-images-idx3-ubyte, as it is or .gz: there ` +
      "is none",
    "noInput",
  );
  Deno.writeFileSync(path, bytes.subarray(0, 40));
  await refused("need 106 bytes for sizes [6, 3, 5]: it has 40", "data");
});

Deno.test("images of other sizes, labels of another number and no classes are refused", () => {
  const { pixels, labels } = drawnImages({ ...SIZES, count: 2 });
  const images = { shape: [2, 3, 5], data: pixels };
  const names = { images: "i", labels: "l" };
  const refused = (given: Partial<Parameters<typeof imageRecords>[0]>, says: string) => {
    const all = { images, labels: { shape: [2], data: labels }, names, ...given };
    const { message } = assertThrows(() => imageRecords(all, SIZES), UserError);
    assertEquals(message, `Cannot read ${says}`);
  };
  refused(
    { images: { shape: [2, 5, 3], data: pixels } },
    "i: need images of 3 x 5 pixels (data.image_height, data.image_width): they are 5 x 3",
  );
  refused(
    { images: { shape: [0, 3, 5], data: new Uint8Array() } },
    "i: need at least one image: there are none",
  );
  refused(
    { labels: { shape: [3], data: Uint8Array.of(0, 1, 2) } },
    "l: need 2 labels, one for each image of i: there are 3",
  );
  refused(
    { labels: { shape: [2], data: Uint8Array.of(0, 4) } },
    "l: need labels below 4 (data.image_classes): label 1 is 4",
  );
});

Deno.test("the default images are the 70,000 of MNIST", async () => {
  const { train, test } = await readImageFiles(null);
  assertEquals([train.images.shape, test.images.shape], [[60_000, 28, 28], [10_000, 28, 28]]);
  const counts = new Uint32Array(10);
  for (const label of test.labels.data) (counts[label] as number)++;
  // As LeCun's page counts the test set.
  assertEquals([...counts], [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
});
