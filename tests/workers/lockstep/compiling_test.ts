/** Kernels that compile for longer than the deadline of a section: progress extends the deadline. */
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { openReference } from "../../../src/device/reference.ts";
import type { CompileOptions, Device } from "../../../src/device/types.ts";
import type { RunEvent } from "../../../src/report/events.ts";
import { ProgressTotals } from "../../../workers/group/progress_totals.ts";
import { replySchema } from "../../../workers/protocol/schema.ts";
import { tinyConfig } from "../../support/gpt.ts";
import { lockstep } from "../../support/lockstep.ts";

/** A deadline of three beats. */
const rules = { floor: 1500, unmeasured: 1500, silence: 300, tick: 20 };
/** Kernels of a load, and milliseconds that each takes: more than the deadline together. */
const KERNELS = 10;
const SLOW = 250;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A device whose first load compiles slowly, and tells so or is silent about it. */
function compiling({ progress }: CompileOptions, { tells }: { tells: boolean }): Device {
  const device = openReference();
  let isWarm = false;
  return {
    ...device,
    load: async (plan, memory) => {
      for (let done = 1; !isWarm && done <= KERNELS; done++) {
        await sleep(SLOW);
        if (tells) await progress({ done, total: KERNELS });
      }
      isWarm = true;
      return await device.load(plan, memory);
    },
  };
}

const progressOf = (events: readonly RunEvent[]) =>
  events.flatMap((event) => event.type === "progress" && event.of === "kernels" ? [event] : []);
const noticesOf = (events: readonly RunEvent[]) =>
  events.flatMap((event) => event.type === "notice" ? [event.text] : []);

Deno.test("workers that compile for longer than the deadline and get further are kept, and counted", async () => {
  const run = await lockstep(tinyConfig({ steps: 2 }), {
    world: 2,
    openDevice: (_, _id, reported) => Promise.resolve(compiling(reported, { tells: true })),
    rules,
  });
  assertEquals(noticesOf(run.events), []);
  const reported = progressOf(run.events);
  assertGreater(reported.length, 2);
  for (const { done, total, workers } of reported) {
    assertEquals(total, workers * KERNELS);
    assert(workers <= 2 && done <= total);
  }
  assertEquals(reported.at(-1)?.workers, 2);
  assertEquals(
    reported.map(({ done }) => done),
    reported.map(({ done }) => done).sort((a, b) => a - b),
  );
});

Deno.test("a worker that compiles and gets no further is given up, and its loss is reported with the reason", async () => {
  const run = await lockstep(tinyConfig({ steps: 2 }), {
    world: 2,
    openDevice: (_, id, reported) =>
      Promise.resolve(id === 1 ? compiling(reported, { tells: false }) : openReference()),
    rules,
  });
  const [lost = "", ...more] = noticesOf(run.events);
  assertMatch(lost, /^Worker 1 is lost: hung: start for \d+\.\d s/);
  assertEquals(more.filter((text) => text.includes("is lost")), []);
  assertEquals(run.outcome.step, 2);
});

Deno.test("kernels of an evaluation count as well, and a run says what it is doing", async () => {
  const run = await lockstep(tinyConfig({ steps: 2, eval: { every: 1, windows: 7 } }), {
    world: 1,
    openDevice: (_, _id, reported) => Promise.resolve(compiling(reported, { tells: true })),
    rules,
  });
  const doing = run.events.flatMap((event) => event.type === "doing" ? [event.what] : []);
  assertEquals(doing.slice(0, 2), ["starting 1 worker", "evaluating"]);
});

Deno.test("progress is summed over the workers that are there, each thing by itself", () => {
  const totals = new ProgressTotals();
  totals.take(0, { of: "kernels", done: 3, total: 9 });
  totals.take(1, { of: "kernels", done: 9, total: 9 });
  totals.take(2, { of: "sequences", done: 1, total: 2 });
  const all = [0, 1, 2];
  assertEquals(totals.sum("kernels", all), { of: "kernels", done: 12, total: 18, workers: 2 });
  assertEquals(totals.sum("sequences", all), { of: "sequences", done: 1, total: 2, workers: 1 });
  totals.forget(1);
  assertEquals(totals.sum("kernels", all).done, 3);
  assertEquals(totals.sum("kernels", [1, 2]).workers, 0);
});

Deno.test("a beat's progress is held to its schema", () => {
  const beat = (progress: unknown) =>
    replySchema.safeParse({ type: "beat", waiting: [], moved: true, progress }).success;
  assertEquals(beat({ of: "kernels", done: 0, total: 0 }), true);
  assertEquals(beat({ of: "sequences", done: 3, total: 4 }), true);
  for (
    const wrong of [
      { of: "kernels", done: 5, total: 4 },
      { of: "steps", done: 1, total: 4 },
      { of: "kernels", done: -1, total: 4 },
      { of: "kernels", done: 0.5, total: 4 },
      { of: "kernels", done: 1 },
      { of: "kernels", done: 1, total: 4, more: 1 },
      7,
    ]
  ) assertEquals(beat(wrong), false, JSON.stringify(wrong));
});
