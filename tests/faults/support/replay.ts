/** A step whose gradient is never finite, and its replay from the journal after a resume. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { metricsOf } from "../../e2e/metrics.ts";
import { args, type Family, golden, Lab, STEPS } from "./support.ts";

/** The gradient of step 10 is NaN on all ranks, this many times. */
export function poison(times: number, workers: number): unknown[] {
  return Array.from({ length: workers }, (_, rank) => ({
    at: { step: 10, rank, point: "summed" },
    do: "nan",
    times,
  }));
}

/** Committed steps, from the metrics of a run. */
export function stepsOf(lab: Lab, out: string): unknown[] {
  return metricsOf(lab.of(`${out}/metrics.jsonl`)).steps.map(({ step }) => step);
}

/**
 * A run that skips step 10 by a policy and is killed after it ends in the state of one that was
 * not killed.
 */
export async function assertReplayed(family: Family, policy: "skip" | "rollback"): Promise<void> {
  using lab = new Lab();
  const more = ["--workers=2", `--guard.policy=${policy}`];
  await lab.finish(args(family, "straight", ...more, ...lab.faults(...poison(2, 2))));
  const state = lab.stateHash("straight");
  assertNotEquals(state, await golden(family));
  assertEquals(lab.journal("straight", "skip").map(({ skips }) => skips), [[10]]);
  await lab.assertSettled("straight");

  const kill = { at: { step: 14, point: "commit" }, do: "sigkill" };
  const plan = lab.faults(...poison(2, 2), kill);
  const { code } = await lab.run(args(family, "run", ...more, ...plan));
  assertNotEquals(code, 0);
  await lab.untilGone();
  await lab.finish(["--resume=run", "--workers=1"]);
  assertEquals(lab.stateHash("run"), state);
  assertEquals(lab.journal("run", "skip").length, 1); // the decision is the one that was made first
  const all = Array.from({ length: STEPS }, (_, i) => i + 1);
  assertEquals(stepsOf(lab, "run"), all.filter((step) => step !== 11));
  await lab.assertSettled("run");
}
