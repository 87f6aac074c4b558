/** What it costs to lose a worker at a point of a step: time, and nothing else. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { args, type Family, golden, type Lab, stepLine } from "./support.ts";

/** Where a worker is killed. */
export interface Death {
  readonly rank: number;
  readonly point: string;
  readonly step?: number;
  readonly workers?: number;
}

/** What a loss took. */
export interface Cost {
  /** Milliseconds from the signal until the coordinator knew. */
  readonly detect: number;
  /** Milliseconds from the step before until the step that was interrupted counted. */
  readonly recover: number;
}

/**
 * Kills a worker: the loss is known within 100 ms, the step counts within 3 s, every step counts
 * once, and the state at the end is that of an undisturbed run of one worker.
 */
export async function assertLossCostsNothing(
  lab: Lab,
  family: Family,
  { rank, point, step = 7, workers = 2 }: Death,
): Promise<Cost> {
  const state = await golden(family);
  const out = `${family}-${point}-${rank}`;
  const plan = lab.faults({ at: { step, rank, point }, do: "sigkill" });
  const running = lab.start(args(family, out, `--workers=${workers}`, ...plan));
  await running.line(stepLine(step));
  const before = performance.now();
  // From its vote on the step counts without it, and the one after it is the first to be in danger.
  const next = ["voted", "apply"].includes(point) ? step + 2 : step + 1;
  await running.line(stepLine(next));
  const recover = performance.now() - before;
  const { code, stderr } = await running.ended;
  assertEquals([code, stderr], [0, ""]);
  const [strike] = lab.journal(out, "strike");
  const losses = lab.losses(out);
  assertEquals(losses.map(({ reason }) => String(reason).replace(/\d+/, "n")), [
    "worker n is lost: its process was ended by SIGKILL",
  ]);
  const detect = 1000 * (Number(losses[0]?.at) - Number(strike?.at));
  assert(detect >= 0);
  assertLess(detect, 100);
  assertLess(recover, 3000);
  assertEquals(lab.journal(out, "rewind"), []);
  await lab.assertEnded(out, { state });
  return { detect, recover };
}
