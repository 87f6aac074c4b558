/** Lanes: what each reads over the steps, without overlap. */
import { assertEquals, assertThrows } from "@std/assert";
import { IGNORE } from "../../../src/base/ignore.ts";
import { UserError } from "../../../src/base/user_error.ts";
import { taskOf } from "../../../src/data/sources/mod.ts";
import { dataConfig, evaluationOf, inputOf, rowsOf, sourceFor } from "./fixture.ts";
import { tokenTensors } from "../../../src/data/token_tensors.ts";

const rising = (n: number, from = 0) => Uint32Array.from({ length: n }, (_, i) => from + i);
const DATA = { bptt: 4 } as const;
/** 6 lanes of 16 tokens: 4 steps of 4. */
const INPUT = inputOf({ train: rising(101), validation: rising(67, 1000) });

/** Inputs or targets that lane `lane` reads in steps [0, steps). */
function laneOf(lane: number, steps: number, part: "tokens" | "targets" = "tokens"): number[] {
  const source = sourceFor(DATA, INPUT);
  const microBatch = Math.floor(lane / 3);
  return Array.from({ length: steps }, (_, step) => {
    const batch = source.train({ step, microBatch });
    return rowsOf(batch.tensors[part], 3)[lane % 3] ?? [];
  }).flat();
}

Deno.test("a text with data.bptt asks for the next token and carries states", () => {
  assertEquals(taskOf(dataConfig(DATA), 40), {
    time: 4,
    vocabulary: 40,
    classes: 40,
    targetKind: "next_token",
    countedPerWindow: 4,
    carries: true,
    tensors: tokenTensors({ time: 4, targetKind: "next_token" }),
  });
  assertEquals(taskOf(dataConfig({}), 40).carries, false);
});

Deno.test("a lane goes on where its last step stopped, with targets one token later", () => {
  for (let lane = 0; lane < 6; lane++) {
    assertEquals(laneOf(lane, 4), [...rising(16, lane * 16)]);
    assertEquals(laneOf(lane, 4, "targets"), [...rising(16, lane * 16 + 1)]);
  }
});

Deno.test("lanes of a step do not overlap, and together they read the whole text", () => {
  const all = Array.from({ length: 6 }, (_, lane) => laneOf(lane, 4)).flat();
  assertEquals(all, [...rising(96)]);
});

Deno.test("a lane begins again after its last step, and only there with fresh states", () => {
  for (const lane of [0, 5]) {
    assertEquals(laneOf(lane, 12), [0, 1, 2].flatMap(() => laneOf(lane, 4)));
  }
  const source = sourceFor(DATA, INPUT);
  const at = (step: number) => source.train({ step, microBatch: 1 });
  const fresh = Array.from({ length: 9 }, (_, step) => at(step).fresh);
  assertEquals(fresh.map((f, step) => f ? step : -1).filter((step) => step >= 0), [0, 4, 8]);
  assertEquals(at(2 ** 40), at(0));
  assertEquals(at(3).counted, 12);
});

Deno.test("a lane that is no multiple of data.bptt leaves its end out, and stays in its bounds", () => {
  // 19 tokens a lane: 4 steps of 4, the last 3 are not read.
  const source = sourceFor(DATA, { ...INPUT, train: rising(119) });
  const reads = (step: number) =>
    [0, 1].flatMap((microBatch) => rowsOf(source.train({ step, microBatch }).tensors.tokens, 3));
  const first = (step: number) => reads(step).map(([token]) => token);
  assertEquals(first(0), [0, 19, 38, 57, 76, 95]);
  assertEquals(first(3), [12, 31, 50, 69, 88, 107]);
  assertEquals(first(4), first(0));
});

Deno.test("a lane's micro-batch depends on S and B as a list does on its cut", () => {
  const cut = (microBatches: number, windows: number) => {
    const source = sourceFor(DATA, { ...INPUT, microBatches, windows });
    return Array.from(
      { length: microBatches },
      (_, microBatch) => rowsOf(source.train({ step: 2, microBatch }).tensors.tokens, windows),
    ).flat();
  };
  assertEquals(cut(2, 3), cut(6, 1));
  assertEquals(cut(2, 3), cut(1, 6));
});

Deno.test("evaluation has a sequence for each micro-batch, B lanes of the text's end in each", () => {
  const source = sourceFor(DATA, { ...INPUT, evalWindows: 12 });
  assertEquals(source.sequences, 2);
  for (const sequence of [0, 1]) {
    const batches = [...source.evaluation(sequence)];
    // 11 tokens a lane: 2 steps of 4.
    assertEquals(batches.map(({ fresh, counted }) => [fresh, counted]), [[true, 12], [false, 12]]);
    for (let b = 0; b < 3; b++) {
      const start = 1000 + (sequence * 3 + b) * 11;
      const read = (part: "tokens" | "targets") =>
        batches.flatMap((batch) => rowsOf(batch.tensors[part], 3)[b] ?? []);
      assertEquals(read("tokens"), [...rising(8, start)]);
      assertEquals(read("targets"), [...rising(8, start + 1)]);
    }
    assertEquals([...source.evaluation(sequence)], batches);
  }
});

Deno.test("eval.windows limits the steps of each evaluation lane, one at least", () => {
  const input = { ...INPUT, validation: rising(133) };
  const steps = (evalWindows: number) =>
    evaluationOf(sourceFor(DATA, { ...input, evalWindows })).length / 2;
  assertEquals([1, 6, 7, 12, 13, 30, 31, 1000].map(steps), [1, 1, 2, 2, 3, 5, 5, 5]);
  const all = [...sourceFor(DATA, { ...input, evalWindows: 1000 }).evaluation(1)];
  const some = [...sourceFor(DATA, { ...input, evalWindows: 7 }).evaluation(1)];
  assertEquals(some, all.slice(0, 2));
});

Deno.test("without a limit every token but the first is asked once, by lanes that were warmed", () => {
  for (const n of [2, 3, 24, 25, 67, 133]) {
    for (const window of [4, 6, 64]) {
      const source = sourceFor({ ...DATA, seq_len: window }, {
        ...INPUT,
        validation: rising(n, 1000),
      });
      const asked = evaluationOf(source).flatMap(({ tensors: { targets } }) =>
        [...targets].filter((target) => target !== IGNORE)
      );
      assertEquals(
        asked.toSorted((a, b) => a - b),
        [...rising(n - 1, 1001)],
        `${n} tokens, window ${window}`,
      );
      const counted = evaluationOf(source).reduce((sum, batch) => sum + batch.counted, 0);
      assertEquals(counted, n - 1);
    }
  }
});

Deno.test("a lane of a whole evaluation has read a window before it counts", () => {
  const source = sourceFor({ ...DATA, seq_len: 6 }, INPUT);
  // 66 targets in 6 lanes: lane 4 counts from position 44 and reads from 38.
  const rows = [...source.evaluation(1)].map(({ tensors: { tokens: inputs, targets } }) => ({
    inputs: rowsOf(inputs, 3)[1] ?? [],
    targets: rowsOf(targets, 3)[1] ?? [],
  }));
  assertEquals(rows[0]?.inputs, [...rising(4, 1038)]);
  assertEquals(rows[0]?.targets, new Array(4).fill(IGNORE));
  assertEquals(rows[1]?.targets, [IGNORE, IGNORE, 1045, 1046]);
});

Deno.test("a text that holds no step of a lane is refused with its numbers", () => {
  const faults = [
    [{ ...INPUT, train: rising(24) }, "the training text into 6 lanes", "24 tokens give 3"],
    [{ ...INPUT, microBatches: 64 }, "the training text into 192 lanes", "101 tokens give 0"],
    [{ ...INPUT, train: new Uint32Array() }, "the training text", "0 tokens give 0"],
  ] as const;
  for (const [input, which, numbers] of faults) {
    const source = sourceFor(DATA, input);
    const refusal = assertThrows(() => source.requireTraining?.(), UserError, which);
    assertThrows(() => source.train({ step: 0, microBatch: 0 }), UserError, which);
    assertEquals(refusal.exit, "data");
    const { message } = refusal;
    assertEquals(message.endsWith(`data.bptt 4 tokens and one more: ${numbers}`), true, message);
  }
  const longer = sourceFor({ bptt: 17 }, INPUT);
  const long = assertThrows(() => longer.requireTraining?.(), UserError, "data.bptt 17 tokens");
  assertEquals(long.message.endsWith("101 tokens give 16"), true, long.message);
});

Deno.test("the shortest text that lanes accept is read to its last token", () => {
  const input = { ...INPUT, train: rising(25), validation: rising(25) };
  const { tensors: { targets } } = sourceFor(DATA, input).train({ step: 0, microBatch: 1 });
  assertEquals(targets.at(-1), 24);
});
