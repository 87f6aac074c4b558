import { assertEquals } from "@std/assert";
import { type Job, pick, type Room } from "../../src/sweep/scheduler.ts";
import { jobsOf, lossAt } from "../../src/sweep/trial_progress.ts";
import { standing, trialOf } from "./support.ts";

const job = (key: string, flops: number, changes: Partial<Job> = {}): Job => ({
  key,
  flops,
  places: 1,
  bytes: 10,
  priority: 0,
  ...changes,
});
const ROOM: Room = { places: 4, free: 4, bytes: 0, memory: null, flops: Infinity };
const picked = (queue: readonly Job[], room: Partial<Room> = {}) =>
  pick(queue, { ...ROOM, ...room })?.job.key;

Deno.test("the longest goes first, and those that were promoted before it", () => {
  assertEquals(picked([job("a", 1), job("b", 3), job("c", 2)]), "b");
  assertEquals(picked([job("a", 1, { priority: 1 }), job("b", 3)]), "a");
  assertEquals(picked([]), undefined);
});

Deno.test("one that takes the whole box waits for it, and others fill the places meanwhile", () => {
  const queue = [job("large", 9, { places: 4 }), job("small", 1)];
  assertEquals(picked(queue), "large");
  assertEquals(picked(queue, { free: 3 }), "small");
  assertEquals(picked(queue.slice(0, 1), { free: 3 }), undefined);
  // A file for a larger box runs on a smaller one.
  assertEquals(picked([job("large", 9, { places: 16 })]), "large");
});

Deno.test("trials that run share the memory; one that is too much for it runs alone", () => {
  const queue = [job("large", 9, { bytes: 80 }), job("small", 1, { bytes: 10 })];
  const choice = pick(queue, { ...ROOM, free: 3, bytes: 30, memory: 100 });
  assertEquals([choice?.job.key, choice?.reason], ["small", "1 before it must wait for memory"]);
  assertEquals(picked(queue, { memory: 50 }), "large");
});

Deno.test("nothing is begun that the budget cannot end", () => {
  assertEquals(picked([job("a", 5), job("b", 3)], { flops: 4 }), "b");
  assertEquals(picked([job("a", 5)], { flops: 4 }), undefined);
});

Deno.test("jobs are what waits, with what is left of it", () => {
  const all = new Map([
    ["a", standing(trialOf("a", 100), { checkpoints: [40] })],
    ["b", standing(trialOf("b", 100), { state: "done" })],
    [
      "c",
      standing(trialOf("c", 100), {
        share: { at: [80], trunk: { key: "d", step: 80 } },
      }),
    ],
    ["d", standing(trialOf("d", 400), { state: "runs", checkpoints: [80], share: { at: [80] } })],
    ["e", standing(trialOf("e", 100), { share: { at: [], trunk: { key: "f", step: 80 } } })],
    ["f", standing(trialOf("f", 400), { rungs: [50, 400] })],
  ]);
  const jobs = jobsOf(all, { trunks: true, places: () => 2 });
  assertEquals(jobs.map(({ key, flops }) => [key, flops]), [
    ["a", 60 * 60_000],
    ["c", 20 * 60_000],
    ["f", 0], // Its rung of 50 steps lies before the checkpoint of 80 that it would begin with.
  ]);
  assertEquals(jobs[0]?.bytes, 2e6);
});

Deno.test("a loss that a decision was made by stays, whatever becomes of the metrics", () => {
  const one = standing(trialOf("a", 100), { losses: new Map([[10, 2.5], [20, null]]) });
  const metrics = new Map([[10, 6.5], [20, 2.25], [30, 2]]);
  assertEquals([10, 20, 30, 40].map((step) => lossAt(one, step, metrics)), [2.5, 2.25, 2, null]);
});
