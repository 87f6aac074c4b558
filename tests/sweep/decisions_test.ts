/** Decisions on ended trials, early stopping, and changed sweep files. */
import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { finalist, promotion, type RungReached, rungsOf } from "../../src/sweep/asha.ts";
import { boundsOf } from "../../src/sweep/bounds.ts";
import { added } from "../../src/sweep/changes.ts";
import { retryVerdict } from "../../src/sweep/retry.ts";

const asked = { until: 100, tries: 1, retries: 2, stopping: false };

Deno.test("a trial that fails is tried again, and after its tries it has failed", () => {
  const ended = { code: 1, error: "bad luck", steps: 50 };
  assertEquals(retryVerdict(ended, asked), { verdict: "retry", reason: "bad luck (try 2 of 3)" });
  assertEquals(retryVerdict(ended, { ...asked, tries: 3 }), {
    verdict: "failed",
    reason: "bad luck (after 3 tries)",
  });
  // A process that somebody else ended politely has not come to the end either.
  assertEquals(retryVerdict({ code: 0, error: "", steps: 50 }, asked).verdict, "retry");
});

Deno.test("faults that the same bits would end in again are not tried again", () => {
  for (const code of [64, 65, 66, 69, 72, 76, 78]) {
    assertEquals(retryVerdict({ code, error: "no", steps: 0 }, asked).verdict, "failed");
  }
  for (const code of [-1, 1, 70, 71, 73, 74, 137]) {
    assertEquals(retryVerdict({ code, error: "", steps: 0 }, asked).verdict, "retry");
  }
});

Deno.test("a trial that was asked to stop has not failed, whatever its code", () => {
  const stopping = { ...asked, stopping: true };
  assertEquals(retryVerdict({ code: 0, error: "", steps: 50 }, stopping).verdict, "stopped");
  assertEquals(retryVerdict({ code: 137, error: "", steps: 0 }, stopping).verdict, "stopped");
  assertEquals(retryVerdict({ code: 0, error: "", steps: 100 }, stopping).verdict, "reached");
});

Deno.test("rungs are powers of eta up to the trial's own end", () => {
  assertEquals(rungsOf(100, { min_steps: 10, eta: 3 }), [10, 30, 90, 100]);
  assertEquals(rungsOf(90, { min_steps: 10, eta: 3 }), [10, 30, 90]);
  assertEquals(rungsOf(5, { min_steps: 10, eta: 3 }), [5]);
});

Deno.test("one in eta goes on from each rung, the best first and the highest rung first", () => {
  const at = (rung: number, losses: Record<string, number | null>): RungReached[] =>
    Object.entries(losses).map(([key, loss]) => ({ key, rung, loss }));
  const next = (reached: RungReached[], promoted: Record<string, number> = {}) =>
    promotion(reached, { promoted: new Map(Object.entries(promoted)), rungs: 3, eta: 3 });
  const five = at(0, { a: 5, b: 4, c: 3, d: 2, e: 1 });
  assertEquals(next(five.slice(0, 2)), undefined);
  assertEquals(next(five)?.key, "e");
  assertEquals(next(five, { e: 1 }), undefined);
  const six = [...five, ...at(0, { f: 6 })];
  assertEquals(next(six, { e: 1 }), {
    key: "d",
    rung: 1,
    reason: "place 2 of 6 at rung 0, of which 2 go on: val loss 2",
  });
  const above = at(1, { e: 1, d: 0.5, c: 2 });
  assertEquals(next([...six, ...above], { e: 1, d: 1, c: 1 })?.rung, 2);
  // The last rung is the end, and a loss that is none never goes on.
  assertEquals(next(at(2, { a: 1, b: 2, c: 3 })), undefined);
  assertEquals(next(at(0, { a: null, b: null, c: null })), undefined);
});

Deno.test("a bracket that is over sends its best one to the end, and only one", () => {
  const reached = [{ key: "a", rung: 0, loss: 2 }, { key: "b", rung: 0, loss: 1 }];
  const of = (promoted: [string, number][]) =>
    finalist(reached, { promoted: new Map(promoted), rungs: 3 })?.key;
  assertEquals(of([["a", 0], ["b", 0]]), "b");
  assertEquals(of([["a", 0], ["b", 1]]), undefined);
  assertEquals(finalist([], { promoted: new Map(), rungs: 3 }), undefined);
});

Deno.test("a folder takes a file that adds trials, and refuses one that lacks some", () => {
  const stored = (keys: string[], sweep: unknown = {}) => ({ sweep, trials: keys });
  assertEquals(added("d", undefined, stored(["a", "b"])), 2);
  assertEquals(added("d", stored(["a", "b"]), stored(["c", "b", "a"], { name: "other" })), 1);
  const before = stored(["a", "b"], { axes: { "optim.lr": [1, 2] }, name: "s" });
  const now = stored(["a", "c"], { axes: { "optim.lr": [1, 3] }, name: "s", retries: 1 });
  const { message, exit } = assertThrows(() => added("d", before, now), UserError);
  assertEquals(exit, "incompatible");
  assertEquals(
    message,
    "Cannot sweep in d: it holds another sweep, 1 of whose 2 trials this file does not have " +
      "(folder against file): axes.optim.lr: [1,2] against [1,3]; retries: nothing against 1",
  );
});

Deno.test("budgets are seconds or FLOP, with their units", () => {
  assertEquals(boundsOf([]), { seconds: Infinity, flops: Infinity });
  assertEquals(boundsOf(["90"]).seconds, 90);
  assertEquals(boundsOf(["20m", "1.5h"]).seconds, 1200);
  assertEquals(boundsOf(["1e15flop", "2d"]), { seconds: 172_800, flops: 1e15 });
  for (const text of ["", "x", "-1", "0", "3 weeks", "1e999"]) {
    assertThrows(() => boundsOf([text]), UserError, "need seconds or FLOP");
  }
});
