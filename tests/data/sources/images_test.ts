/** Batches of images: pixels and labels, a shuffled order, each test image once. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { IGNORE } from "../../../src/base/ignore.ts";
import { rootKey } from "../../../src/base/random.ts";
import type { SourceInput } from "../../../src/data/source.ts";
import { sourceOf, taskOf } from "../../../src/data/sources/mod.ts";
import { drawnImages, imageCorpus } from "../images/fixture.ts";
import { addresses, dataConfig, evaluationOf } from "./fixture.ts";

const DATA = dataConfig({ source: "images", image_height: 4, image_width: 3, image_classes: 4 });
const SIZES = { height: 4, width: 3, classes: 4 };
const { texts } = imageCorpus({ data: DATA });

const sourceFor = (rest: Partial<SourceInput> = {}) =>
  sourceOf(DATA, {
    key: rootKey(3),
    microBatches: 2,
    windows: 5,
    evaluation: { windows: 0, stride: null },
    texts,
    ...rest,
  });

/** The rows of [B, n]. */
const rowsOf = (data: ArrayLike<number>, rows: number) =>
  Array.from({ length: rows }, (_, b) => {
    const n = data.length / rows;
    return Array.from({ length: n }, (_, i) => data[b * n + i] as number);
  });

/** Images as keys, and their labels. */
function labelled(count: number): Map<string, number> {
  const { pixels, labels } = drawnImages({ ...SIZES, count }, count);
  return new Map(
    rowsOf(pixels, count).map((
      row,
      n,
    ) => [row.map((v) => Math.fround(v / 255)).join(), labels[n]!]),
  );
}

Deno.test("images are one position each, with one label", () => {
  const task = taskOf(DATA, 0);
  assertEquals([task.time, task.classes, task.targetKind], [1, 4, "sequence_class"]);
  assertEquals(task.tensors["pixels"]?.shape, [4, 3, 1]);
  assertEquals(task.tensors["targets"]?.shape, []);
});

Deno.test("an epoch has each image once with its label, whatever the cut into batches", () => {
  const source = sourceFor();
  const known = labelled(40);
  const seen: string[] = [];
  // 4 steps of 10 images are an epoch of 40.
  for (const at of addresses(4, 2)) {
    const { tensors: { pixels, targets }, counted, fresh } = source.train(at);
    assertEquals([counted, fresh], [5, true]);
    rowsOf(pixels as Float32Array, 5).forEach((row, b) => {
      assertEquals(targets?.[b], known.get(row.join()));
      seen.push(row.join());
    });
  }
  assertEquals(new Set(seen).size, 40);
  const cut = sourceFor({ microBatches: 5, windows: 2 });
  const again = addresses(4, 5).flatMap((at) =>
    rowsOf(cut.train(at).tensors["pixels"] as Float32Array, 2).map((row) => row.join())
  );
  assertEquals(again, seen);
  const second = addresses(8, 2).slice(8).flatMap((at) =>
    rowsOf(source.train(at).tensors["pixels"] as Float32Array, 5).map((row) => row.join())
  );
  assertEquals(second.toSorted(), seen.toSorted());
  assertNotEquals(second, seen);
});

Deno.test("batches depend on key and address, and not on what was asked before", () => {
  const source = sourceFor();
  const all = addresses(6, 2);
  const forward = all.map((at) => source.train(at));
  assertEquals(all.toReversed().map((at) => source.train(at)).toReversed(), forward);
  const other = sourceFor({ key: rootKey(4) });
  assertNotEquals(all.map((at) => other.train(at)), forward);
});

Deno.test("every test image is evaluated once, in order, and rows that fill up do not count", () => {
  const batches = evaluationOf(sourceFor());
  assertEquals(batches.map(({ counted }) => counted), [5, 2]);
  const labels = batches.flatMap(({ tensors }) => [...tensors["targets"] as Uint32Array]);
  assertEquals(labels, [0, 1, 2, 3, 0, 1, 2, IGNORE, IGNORE, IGNORE]);
  const pixels = batches.flatMap(({ tensors }) => rowsOf(tensors["pixels"] as Float32Array, 5));
  assertEquals(pixels.slice(0, 7).map((row) => row.join()), [...labelled(7).keys()]);
  assertEquals(pixels.slice(7).flat(), new Array(36).fill(0));
  const some = evaluationOf(sourceFor({ evaluation: { windows: 3, stride: null } }));
  assertEquals(some.map(({ counted }) => counted), [3]);
});
