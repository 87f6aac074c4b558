/** Micro-batches: laws of the order, of the tokens, and of the evaluation. */
import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { type Key, rootKey } from "../../src/base/random.ts";
import { IGNORE } from "../../src/base/ignore.ts";
import { gatherBatch, gatherPadded, windowOf } from "../../src/data/batch.ts";
import { firstNumber } from "../../src/data/sources/numbers.ts";
import { tokensIn } from "../../src/data/tokens.ts";
import { windowCount } from "../../src/data/windows.ts";

const KEY = rootKey(1337);
const tokensTo = (n: number) => Uint32Array.from({ length: n }, (_, i) => 1000 + i);

/** Numbers of the windows of a micro-batch. */
function trainWindows(
  key: Key,
  { count, ...at }: Record<"step" | "microBatch" | "microBatches" | "windows" | "count", number>,
): number[] {
  const first = firstNumber(at, at);
  return Array.from({ length: at.windows }, (_, b) => windowOf(key, first + b, count));
}

/** Window numbers of steps [0, steps), in order. */
function runOf(steps: number, sizes: { microBatches: number; windows: number; count: number }) {
  const out: number[] = [];
  for (let step = 0; step < steps; step++) {
    for (let microBatch = 0; microBatch < sizes.microBatches; microBatch++) {
      out.push(...trainWindows(KEY, { step, microBatch, ...sizes }));
    }
  }
  return out;
}

Deno.test("windowOf() visits every window once per epoch, in another order each epoch", () => {
  for (const count of [1, 2, 7, 48, 50]) {
    const run = runOf(60, { microBatches: 4, windows: 3, count });
    const orders = new Set<string>();
    for (let e = 0; (e + 1) * count <= run.length; e++) {
      const epoch = run.slice(e * count, (e + 1) * count);
      assertEquals(epoch.toSorted((a, b) => a - b), Array.from({ length: count }, (_, i) => i));
      orders.add(epoch.join());
    }
    if (count >= 48) assertEquals(orders.size, Math.floor(run.length / count));
  }
});

Deno.test("windowOf() does not depend on what was asked before", () => {
  const sizes = { microBatches: 8, windows: 4, count: 101 };
  const forward = Array.from(
    { length: 24 },
    (_, i) => trainWindows(KEY, { step: i >> 3, microBatch: i & 7, ...sizes }),
  );
  for (let i = 23; i >= 0; i--) {
    assertEquals(trainWindows(KEY, { step: i >> 3, microBatch: i & 7, ...sizes }), forward[i]);
  }
  assertNotEquals(trainWindows(rootKey(1), { step: 0, microBatch: 0, ...sizes }), forward[0]);
});

Deno.test("windowOf() cuts the same sequence whatever S and B are", () => {
  const one = runOf(8, { microBatches: 4, windows: 6, count: 31 });
  assertEquals(runOf(16, { microBatches: 2, windows: 6, count: 31 }), one);
  assertEquals(runOf(8, { microBatches: 8, windows: 3, count: 31 }), one);
});

Deno.test("windowOf() goes on past 2^32 windows and 2^32 epochs", () => {
  const sizes = { microBatches: 16, windows: 1, count: 5 };
  const steps = 2 ** 32 / 16;
  const run = [steps - 2, steps - 1, steps, steps + 1].flatMap((step) =>
    Array.from({ length: 16 }, (_, m) => trainWindows(KEY, { step, microBatch: m, ...sizes })[0])
  );
  // Position 2^32 - 32 is 4 past an epoch's beginning, so the next epoch begins one later.
  assertEquals((2 ** 32 - 32) % 5, 4);
  for (let e = 0; e < 12; e++) {
    assertEquals(new Set(run.slice(1 + e * 5, 6 + e * 5)).size, 5, `epoch ${e}`);
  }
  const at = (step: number) =>
    trainWindows(KEY, { step, microBatch: 0, microBatches: 1, windows: 64, count: 64 });
  // Epochs e and e + 2^32 differ in their high word alone.
  assertNotEquals(at(3), at(3 + 2 ** 32));
  assertEquals(new Set(at(3 + 2 ** 32)).size, 64);
});

Deno.test("windowOf() refuses positions and counts it cannot place", () => {
  const sizes = { microBatches: 4, windows: 8, count: 10 };
  assertThrows(() => trainWindows(KEY, { step: 2 ** 50, microBatch: 0, ...sizes }), RangeError);
  assertThrows(() => trainWindows(KEY, { step: -1, microBatch: 0, ...sizes }), RangeError);
  assertThrows(() => trainWindows(KEY, { ...sizes, step: 0, microBatch: 0, count: 0 }), RangeError);
});

/** Windows that begin at `starts`. */
const windowsAt = (n: number, starts: readonly number[]) =>
  starts.map((start) => ({ tokens: tokensIn(tokensTo(n)), start }));

Deno.test("gather() shifts targets by one token", () => {
  const { tokens: inputs, targets } = gatherBatch(windowsAt(20, [0, 7, 15]), 4);
  assertEquals(Array.from(inputs, (t) => t - 1000), [0, 1, 2, 3, 7, 8, 9, 10, 15, 16, 17, 18]);
  assertEquals(Array.from(targets, (t) => t - 1000), [1, 2, 3, 4, 8, 9, 10, 11, 16, 17, 18, 19]);
});

Deno.test("gather() lets windows overlap where the stride is below the window", () => {
  const [window, stride] = [6, 2];
  const starts = Array.from({ length: windowCount(30, window, stride) }, (_, k) => k * stride);
  const { tokens: inputs } = gatherBatch(windowsAt(30, starts), window);
  for (let k = 1; k < starts.length; k++) {
    const before = inputs.slice((k - 1) * window + stride, k * window);
    assertEquals(inputs.slice(k * window, k * window + window - stride), before);
  }
});

Deno.test("gather() throws on a window without room for its last target", () => {
  assertThrows(
    () => gatherBatch(windowsAt(20, [16]), 4),
    RangeError,
    "need 21 tokens: there are 20",
  );
});

Deno.test("gatherPadded() counts what is asked, and fills rows with what is not", () => {
  const part = (start: number, from: number, to: number) => ({
    tokens: tokensIn(tokensTo(20)),
    start,
    from,
    to,
  });
  const sizes = { window: 4, windows: 3 };
  const { tensors: { tokens: inputs, targets }, counted } = gatherPadded([
    part(3, 2, 4),
    part(17, 0, 2),
  ], sizes);
  assertEquals(counted, 4);
  const nothing = new Array(4).fill(0);
  assertEquals([...inputs], [1003, 1004, 1005, 1006, 1017, 1018, 0, 0, ...nothing]);
  const not = (n: number) => new Array(n).fill(IGNORE);
  assertEquals([...targets], [...not(2), 1006, 1007, 1018, 1019, ...not(6)]);
  assertEquals(gatherPadded([], sizes).counted, 0);
  const many = [0, 1, 2, 3].map((start) => part(start, 0, 4));
  assertThrows(() => gatherPadded(many, sizes), RangeError, "need at most 3: 4");
});
