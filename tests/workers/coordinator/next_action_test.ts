/** What a run does next, from how far everything has come. */
import { assertEquals } from "@std/assert";
import { isPause, nextTask } from "../../../workers/coordinator/next_action.ts";
import type { NextAction, RunProgress } from "../../../workers/coordinator/next_action.ts";

/** Ten steps; evaluated every 4, saved every 5, compared every 3. */
const PLAN = plan({ evaluate: 4, save: 5, prove: 3 });

function plan({ evaluate = 0, sample = 0, save = 0, prove = 0, steps = 10, at = [] as number[] }) {
  return {
    steps,
    eval: { every: evaluate, windows: 8 },
    report: { sample_every: sample },
    checkpoint: { every: save, keep: 2, keep_best: true, keep_every: 0, at },
    guard: {
      policy: "halt",
      max_skips: 0,
      rollback_steps: 1,
      spike: 0,
      hash_every: prove,
    } as const,
  };
}

/** Progress of a run that has only stepped; `changes` override it. */
function at(step: number, changes: Partial<RunProgress> = {}): RunProgress {
  return {
    step,
    evaluated: -1,
    sampled: -1,
    proven: -1,
    saved: -1,
    unsaved: -1,
    owed: false,
    stopping: false,
    ...changes,
  };
}

/** All that is done until the end, and at which step. */
function playOut(progress: RunProgress, { stopAt = -1, plan = PLAN } = {}): string[] {
  const done: string[] = [];
  let now = progress;
  for (let i = 0; i < 100; i++) {
    const stopping = now.stopping || now.step === stopAt;
    now = { ...now, stopping };
    const task: NextAction = nextTask(now, plan);
    if (task === "end") return done;
    done.push(`${task} ${now.step}`);
    if (task === "step") now = { ...now, step: now.step + 1 };
    else if (task === "evaluate") now = { ...now, evaluated: now.step };
    else if (task === "sample") now = { ...now, sampled: now.step };
    else if (task === "prove") now = { ...now, proven: now.step };
    else now = { ...now, saved: now.step };
  }
  throw new Error(`There is no end: ${done.join(", ")}`);
}

Deno.test("nextTask() begins with a step, whatever the intervals", () => {
  assertEquals(nextTask(at(0), PLAN), "step");
  assertEquals(nextTask(at(0), plan({ evaluate: 1, save: 1, prove: 1 })), "step");
});

Deno.test("nextTask() evaluates, samples, compares, saves, then goes on", () => {
  const all = plan({ evaluate: 1, sample: 1, save: 1, prove: 1 });
  assertEquals(nextTask(at(3), all), "evaluate");
  const done = { evaluated: 3, sampled: 3 };
  assertEquals(nextTask(at(3, { evaluated: 3 }), all), "sample");
  assertEquals(nextTask(at(3, done), all), "prove");
  assertEquals(nextTask(at(3, { ...done, proven: 3 }), all), "save");
  assertEquals(nextTask(at(3, { ...done, proven: 3, saved: 3 }), all), "step");
});

Deno.test("nextTask() has each task at the multiples of its interval, and never for 0", () => {
  const tasks = (wanted: NextAction, one: ReturnType<typeof plan>) =>
    Array.from({ length: 10 }, (_, step) => step).filter((step) =>
      nextTask(at(step), one) === wanted
    );
  assertEquals(tasks("evaluate", plan({ evaluate: 4 })), [4, 8]);
  assertEquals(tasks("save", plan({ save: 5 })), [5]);
  assertEquals(tasks("sample", plan({ sample: 4 })), [4, 8]);
  assertEquals(tasks("prove", plan({ prove: 3 })), [3, 6, 9]);
  assertEquals(tasks("step", plan({})), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

Deno.test("nextTask() at the last step evaluates and saves once, whatever the intervals", () => {
  const none = plan({});
  assertEquals(nextTask(at(10), none), "evaluate");
  assertEquals(nextTask(at(10, { evaluated: 10 }), none), "save_last");
  assertEquals(nextTask(at(10, { evaluated: 10, saved: 10 }), none), "end");
  // A checkpoint beyond the last step, with fewer steps than before: nothing is left to do.
  assertEquals(nextTask(at(12, { evaluated: 12, saved: 12 }), none), "end");
});

Deno.test("nextTask() of a run that is stopping saves once, and evaluates no more", () => {
  for (const step of [0, 4, 7, 10]) {
    assertEquals(nextTask(at(step, { stopping: true }), PLAN), "save_last");
    assertEquals(nextTask(at(step, { stopping: true, saved: step }), PLAN), "end");
    const failed = { stopping: true, saved: step, unsaved: step };
    assertEquals(nextTask(at(step, failed), PLAN), "save_last");
    assertEquals(nextTask(at(step, { ...failed, unsaved: step - 1 }), PLAN), "end");
  }
});

Deno.test("nextTask() saves at any step what could not be saved, but no state twice", () => {
  assertEquals(nextTask(at(7, { saved: 5, owed: true }), PLAN), "save");
  assertEquals(nextTask(at(7, { saved: 7, owed: true }), PLAN), "step");
  assertEquals(nextTask(at(7, { saved: 5 }), PLAN), "step");
});

Deno.test("nextTask() leads a whole run through each step once, and everything at its time", () => {
  const done = playOut(at(0));
  assertEquals(done.filter((task) => task.startsWith("step")), [
    ...Array.from({ length: 10 }, (_, step) => `step ${step}`),
  ]);
  assertEquals(done.filter((task) => !task.startsWith("step")), [
    "prove 3",
    "evaluate 4",
    "save 5",
    "prove 6",
    "evaluate 8",
    "prove 9",
    "evaluate 10",
    "save_last 10",
  ]);
});

Deno.test("nextTask() goes on from a checkpoint without doing anything of it again", () => {
  const done = playOut(at(5, { evaluated: 5, proven: 5, saved: 5 }));
  assertEquals(done.slice(0, 2), ["step 5", "prove 6"]);
  assertEquals(playOut(at(5, { saved: 5 }), { stopAt: 5 }), []);
  assertEquals(playOut(at(0), { stopAt: 2 }), ["step 0", "step 1", "save_last 2"]);
});

Deno.test("isPause() is where something comes between two steps, and at the end", () => {
  const pauses = Array.from({ length: 13 }, (_, step) => step).filter((s) => isPause(s, PLAN));
  assertEquals(pauses, [3, 4, 5, 6, 8, 9, 10, 11, 12]);
  assertEquals([0, 1, 9, 10].map((step) => isPause(step, plan({}))), [false, false, false, true]);
});

Deno.test("isPause() misses nothing that nextTask() would do", () => {
  for (const one of [PLAN, plan({ evaluate: 2 }), plan({ save: 3 }), plan({ prove: 7 })]) {
    for (let step = 0; step < 12; step++) {
      assertEquals(isPause(step, one), nextTask(at(step), one) !== "step", `step ${step}`);
    }
  }
});

Deno.test("nextTask() saves at the steps that are named, and pauses there", () => {
  const named = plan({ at: [3, 7], save: 4 });
  const done = playOut(at(0), { plan: named }).filter((task) => task.startsWith("save"));
  assertEquals(done, ["save 3", "save 4", "save 7", "save 8", "save_last 10"]);
  assertEquals([2, 3, 4, 7].map((step) => isPause(step, named)), [false, true, true, true]);
});
