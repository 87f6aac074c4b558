/** Trials as they are read, and what is refused in one line. */
import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { readTrials } from "../../src/scaling/read.ts";
import { linesOf, rowsOf } from "./sweep.ts";

const OPTIONS = { path: "a/trials.jsonl", loss: "val" } as const;

function fault(act: () => unknown): string {
  const refusal = assertThrows(act, UserError);
  assertEquals([refusal.exit, refusal.message.includes("\n")], ["data", false]);
  return refusal.message;
}

Deno.test("readTrials() takes the last row of each key, by every count and either loss", () => {
  const { points, failed, stopped } = readTrials(linesOf(rowsOf()), OPTIONS);
  assertEquals([points.all?.length, failed, stopped], [20, 1, 1]);
  const params = [points.all, points.no_embedding, points.matrices].map((p) => p?.[19]?.params);
  assertEquals(params, [810000, 647000, 565000]);
  const train = readTrials(linesOf(rowsOf()), { ...OPTIONS, loss: "train" });
  assertEquals(
    train.points.all?.map((p) => p.loss),
    points.all?.map((p) => p.loss * 0.98),
  );
  assertEquals(readTrials("\n\n", OPTIONS).points.all, []);
});

Deno.test("readTrials() refuses lines that are no trials, and says where", () => {
  const [, row] = rowsOf();
  const read = (...rows: readonly unknown[]) => () => readTrials(linesOf(rows), OPTIONS);
  assertEquals(
    fault(() => readTrials(linesOf([row]) + "{half", OPTIONS)),
    "Cannot read a/trials.jsonl:2: need a trial as JSON: {half",
  );
  assertEquals(
    fault(read({ ...row, params: { all: 1 } })),
    "Cannot read a/trials.jsonl:1: need a trial: params.no_embedding: " +
      "Invalid input: expected number, received undefined",
  );
  const { name } = row as { name: string };
  const trial = `trial ${name} of a/trials.jsonl`;
  assertEquals(
    fault(read({ ...row, tokens: 0 })),
    `Cannot fit ${trial}: need a positive, finite tokens: 0`,
  );
  assertEquals(
    fault(read({ ...row, loss: null, val_loss: null })),
    `Cannot fit ${trial}: need a positive, finite loss: none`,
  );
  assertEquals(
    fault(read({ ...row, val_loss: null })),
    "Cannot fit a/trials.jsonl: need a val_loss in each trial that is done, or --loss=train: " +
      `trial ${name} has none`,
  );
  assertEquals(
    fault(() =>
      readTrials(linesOf([row]).replace(/"val_loss":[\d.]+/, '"val_loss":1e999'), OPTIONS)
    ),
    "Cannot read a/trials.jsonl:1: need a trial: val_loss: Invalid input: expected number, received Infinity",
  );
});

Deno.test("readTrials() counts trials once that repeat another one's numbers, by every count", () => {
  const [, first, second] = rowsOf();
  const same = { ...first, key: "copy", name: "again" };
  const other = { ...same, key: "seed", val_loss: 2.5 };
  const { points, repeated } = readTrials(linesOf([first, second, same, other]), OPTIONS);
  for (const count of ["all", "no_embedding", "matrices"] as const) {
    assertEquals(points[count]?.length, 3, count);
  }
  assertEquals(repeated, [`trial again repeats trial ${(first as { name: string }).name}`]);
});
