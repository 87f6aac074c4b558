/** Recall windows: form, distribution, and random keys. */
import { assertEquals, assertLess, assertNotEquals } from "@std/assert";
import { rootKey } from "../../../src/base/random.ts";
import { IGNORE } from "../../../src/base/ignore.ts";
import { taskOf } from "../../../src/data/sources/mod.ts";
import { addresses, dataConfig, evaluationOf, inputOf, rowsOf, sourceFor } from "./fixture.ts";
import { tokenTensors } from "../../../src/data/token_tensors.ts";
import type { TokenBatch } from "../../../src/data/source.ts";

const DATA = { source: "recall", gap: 5, names: 4, fillers: 3 } as const;
const SIZES = { microBatches: 2, windows: 3 };

Deno.test("recall is a task over names, fillers and a question", () => {
  assertEquals(taskOf(dataConfig(DATA), 0), {
    time: 7,
    vocabulary: 8,
    classes: 4,
    targetKind: "token_class",
    countedPerWindow: 1,
    carries: false,
    tensors: tokenTensors({ time: 7, targetKind: "token_class" }),
  });
});

Deno.test("a recall window is a name, fillers and the question, which asks for the name", () => {
  for (const gap of [0, 1, 5]) {
    const source = sourceFor({ ...DATA, gap }, inputOf(SIZES));
    for (const at of addresses(20, 2)) {
      const { tensors: { tokens: inputs, targets }, counted, fresh } = source.train(at);
      assertEquals([inputs.length, targets.length], [3 * (gap + 2), 3 * (gap + 2)]);
      assertEquals([counted, fresh], [3, true]);
      const asked = rowsOf(targets, 3);
      rowsOf(inputs, 3).forEach((row, b) => {
        const [name = -1, ...rest] = row;
        assertEquals(name >= 0 && name < 4, true, `name ${name}`);
        assertEquals(rest.pop(), 7);
        assertEquals(rest.every((t) => t >= 4 && t < 7), true, `fillers ${rest}`);
        assertEquals(asked[b], [...new Array(gap + 1).fill(IGNORE), name]);
      });
    }
  }
});

Deno.test("a recall batch does not depend on what was asked before, but on key and address", () => {
  const source = sourceFor(DATA, inputOf(SIZES));
  const all = addresses(6, 2);
  const forward = all.map((at) => source.train(at));
  const again = sourceFor(DATA, inputOf(SIZES));
  assertEquals(all.toReversed().map((at) => again.train(at)).toReversed(), forward);
  const rows = forward.flatMap(({ tensors: { tokens: inputs } }) => rowsOf(inputs, 3)).map(String);
  // 972 different windows of this form: a few of 36 may be alike, but no batch repeats.
  assertEquals(
    new Set(forward.map(({ tensors: { tokens: inputs } }) => inputs.join())).size,
    forward.length,
  );
  assertEquals(new Set(rows).size > 30, true);
  const other = sourceFor(DATA, inputOf({ ...SIZES, key: rootKey(1) }));
  assertNotEquals(other.train({ step: 0, microBatch: 0 }), forward[0]);
});

Deno.test("recall draws the same windows however a step is cut, also past 2^32", () => {
  const run = (microBatches: number, windows: number, step: number) => {
    const source = sourceFor(DATA, inputOf({ microBatches, windows }));
    return Array.from(
      { length: microBatches },
      (_, microBatch) => rowsOf(source.train({ step, microBatch }).tensors.tokens, windows),
    ).flat();
  };
  for (const step of [3, 2 ** 40]) {
    assertEquals(run(4, 6, step), run(8, 3, step));
    assertEquals(run(4, 6, step), run(1, 24, step));
  }
  // The windows of these steps differ in the high word of their numbers alone.
  assertNotEquals(run(1, 16, 5), run(1, 16, 5 + 2 ** 32));
});

Deno.test("recall draws each name and each filler equally often", () => {
  const source = sourceFor(DATA, inputOf({ microBatches: 1, windows: 3000 }));
  const { tensors: { tokens: inputs } } = source.train({ step: 0, microBatch: 0 });
  const counts = new Array(8).fill(0);
  for (const token of inputs) counts[token]++;
  const near = (count: number, { n, p }: { n: number; p: number }) =>
    // Five standard deviations of a binomial count: the key is fixed, so this cannot flake.
    assertLess(Math.abs(count - n * p), 5 * Math.sqrt(n * p * (1 - p)), `${counts}`);
  counts.slice(0, 4).forEach((count) => near(count, { n: 3000, p: 1 / 4 }));
  counts.slice(4, 7).forEach((count) => near(count, { n: 5 * 3000, p: 1 / 3 }));
  assertEquals(counts[7], 3000);
});

Deno.test("recall evaluates fixed windows, as many as asked, 512 for all", () => {
  for (const [evalWindows, total] of [[1, 1], [7, 7], [9, 9], [0, 512]] as const) {
    const source = sourceFor(DATA, inputOf({ ...SIZES, evalWindows }));
    const batches = evaluationOf(source);
    assertEquals(source.sequences, Math.ceil(total / 3));
    assertEquals(batches.reduce((n, { counted }) => n + counted, 0), total);
    for (const { tensors: { tokens: inputs, targets }, counted, fresh } of batches) {
      assertEquals([inputs.length, targets.length, fresh], [21, 21, true]);
      assertEquals(targets.filter((t) => t !== IGNORE).length, counted);
    }
    assertEquals(evaluationOf(source), batches);
    assertEquals(evaluationOf(sourceFor(DATA, inputOf({ ...SIZES, evalWindows }))), batches);
  }
});

Deno.test("recall's last evaluation batch is filled up with rows that do not count", () => {
  const [, , last] = evaluationOf(sourceFor(DATA, inputOf({ ...SIZES, evalWindows: 7 })));
  assertEquals(last?.counted, 1);
  assertEquals(rowsOf(last?.tensors.tokens ?? new Uint32Array(), 3).slice(1), [
    new Array(7).fill(0),
    new Array(7).fill(0),
  ]);
  assertEquals(last?.tensors.targets.subarray(7).every((t) => t === IGNORE), true);
});

Deno.test("recall evaluates other windows than it trains on", () => {
  // Of 8 x 8^30 windows, equal ones come from equal random numbers.
  const data = { source: "recall" } as const;
  const source = sourceFor(data, inputOf(SIZES));
  const rows = (batch: TokenBatch) => rowsOf(batch.tensors.tokens, 3).map(String);
  const trained = new Set(addresses(100, 2).flatMap((at) => rows(source.train(at))));
  assertEquals(trained.size, 600);
  const evaluated = evaluationOf(source).flatMap(rows).slice(0, 512);
  assertEquals(new Set(evaluated).size, 512);
  assertEquals(evaluated.filter((row) => trained.has(row)), []);
});
