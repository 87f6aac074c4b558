/** Reversed windows: correct labels and fair bits. */
import { assertEquals, assertLess, assertNotEquals } from "@std/assert";
import { rootKey } from "../../../src/base/random.ts";
import { IGNORE } from "../../../src/base/ignore.ts";
import { taskOf } from "../../../src/data/sources/mod.ts";
import { addresses, dataConfig, evaluationOf, inputOf, rowsOf, sourceFor } from "./fixture.ts";
import { tokenTensors } from "../../../src/data/token_tensors.ts";

const DATA = { source: "direction", seq_len: 5, stride: 2 } as const;
const rising = (n: number, from: number) => Uint32Array.from({ length: n }, (_, i) => from + i);
/** Ascending tokens: a window shows its own direction. */
const INPUT = inputOf({ train: rising(90, 0), validation: rising(36, 1000) });

/** 1 for tokens that fall by one each, 0 for tokens that rise by one each. */
function directionOf(row: readonly number[]): number {
  const steps = new Set(row.slice(1).map((t, i) => t - (row[i] as number)));
  assertEquals(steps.size, 1, `a window with a break: ${row}`);
  return steps.has(-1) ? 1 : 0;
}

Deno.test("direction asks one label of a window", () => {
  assertEquals(taskOf(dataConfig(DATA), 40), {
    time: 5,
    vocabulary: 40,
    classes: 2,
    targetKind: "sequence_class",
    countedPerWindow: 1,
    carries: false,
    tensors: tokenTensors({ time: 5, targetKind: "sequence_class" }),
  });
});

Deno.test("direction turns the windows of text whole, and its labels say which", () => {
  const source = sourceFor(DATA, INPUT);
  const text = sourceFor({ ...DATA, source: "text" }, INPUT);
  for (const at of addresses(30, 2)) {
    const { tensors: { tokens: inputs, targets }, counted, fresh } = source.train(at);
    assertEquals([counted, fresh], [3, true]);
    assertEquals([...targets], rowsOf(inputs, 3).map(directionOf));
    const sorted = (data: Uint32Array) => rowsOf(data, 3).map((row) => row.toSorted());
    assertEquals(sorted(inputs), sorted(text.train(at).tensors.tokens));
  }
});

Deno.test("direction does not depend on what was asked before, but on key and address", () => {
  const source = sourceFor(DATA, INPUT);
  const all = addresses(6, 2);
  const forward = all.map((at) => source.train(at));
  assertEquals(all.toReversed().map((at) => source.train(at)).toReversed(), forward);
  const other = sourceFor(DATA, { ...INPUT, key: rootKey(1) });
  assertNotEquals(
    all.map((at) => other.train(at).tensors.targets),
    forward.map((b) => b.tensors.targets),
  );
  // A window of another epoch may have another direction.
  const run = (microBatches: number, windows: number) => {
    const cut = sourceFor(DATA, { ...INPUT, microBatches, windows });
    return addresses(1, microBatches).flatMap((at) => [...cut.train(at).tensors.targets]);
  };
  assertEquals(run(8, 3), run(4, 6));
});

Deno.test("direction turns half of the windows, and no window always", () => {
  const source = sourceFor(DATA, { ...INPUT, microBatches: 1, windows: 4000 });
  const { tensors: { tokens: inputs, targets } } = source.train({ step: 0, microBatch: 0 });
  const turned = targets.reduce((n, bit) => n + bit, 0);
  // Five standard deviations of a binomial count: the key is fixed, so this cannot flake.
  assertLess(Math.abs(turned - 2000), 5 * Math.sqrt(1000));
  const seen = new Map<number, Set<number>>();
  rowsOf(inputs, 4000).forEach((row) => {
    const first = Math.min(...row);
    seen.set(first, (seen.get(first) ?? new Set()).add(directionOf(row)));
  });
  assertEquals(seen.size, 43);
  assertEquals(Array.from(seen.values(), ({ size }) => size), new Array(43).fill(2));
});

Deno.test("direction evaluates fixed windows of the text's end, and counts no filling", () => {
  const input = { ...INPUT, evalWindows: 7 };
  const source = sourceFor(DATA, input);
  const batches = evaluationOf(source);
  assertEquals(batches.map(({ counted }) => counted), [3, 3, 1]);
  assertEquals(evaluationOf(source), batches);
  const rows = batches.flatMap(({ tensors: { tokens: inputs } }) => rowsOf(inputs, 3)).slice(0, 7);
  const labels = batches.flatMap(({ tensors: { targets } }) => [...targets]);
  assertEquals(labels, [...rows.map(directionOf), IGNORE, IGNORE]);
  assertEquals(rows.flat().every((token) => token >= 1000), true);
  assertEquals(new Set(labels.slice(0, 7)).size, 2);
});

Deno.test("direction evaluates all windows whole and once, whatever the stride of evaluations", () => {
  for (const evalStride of [1, 3, 5]) {
    const batches = evaluationOf(sourceFor(DATA, { ...INPUT, evalWindows: 0, evalStride }));
    const rows = batches.flatMap(({ tensors: { tokens: inputs }, counted }) =>
      rowsOf(inputs, 3).slice(0, counted)
    );
    const starts = rows.map((row) => Math.min(...row));
    assertEquals(starts, [1000, 1005, 1010, 1015, 1020, 1025, 1030]);
    const labels = batches.flatMap(({ tensors: { targets } }) => [...targets]);
    assertEquals(labels, [...rows.map(directionOf), IGNORE, IGNORE]);
  }
});

Deno.test("direction's evaluation has random bits of its own", () => {
  // One text for both parts, so that only the bits can differ.
  const sizes = { train: rising(641, 0), validation: rising(641, 0) };
  const input = { ...INPUT, ...sizes, microBatches: 1, windows: 128 };
  const source = sourceFor({ ...DATA, seq_len: 5, stride: 5 }, input);
  const bits = (data: Uint32Array | undefined) => (data ?? []).join("");
  const [evaluation] = source.evaluation(0);
  assertEquals(bits(evaluation?.tensors.targets).length, 128);
  assertNotEquals(
    bits(evaluation?.tensors.targets),
    bits(source.train({ step: 0, microBatch: 0 }).tensors.targets),
  );
});
