/** Runs that are stopped at random times, from the first compilation to the last sample. */
import { assertEquals, assertLess } from "@std/assert";
import { fold, rootKey, threefry, unit } from "../../../src/base/random.ts";
import { EXIT } from "../../../src/base/user_error.ts";
import { REPEAT_MS } from "../../../src/terminal/signals.ts";
import { listCheckpoints } from "../../../src/checkpoint/load.ts";
import { args, type Family, golden, type Lab, pause } from "./support.ts";

const STEPS = 32;
const MORE = [
  `--steps=${STEPS}`,
  "--eval.every=6",
  "--checkpoint.every=4",
  "--report.sample_length=100",
];

/** Ways to stop a run, and its exit code. */
const WAYS = [
  { signals: ["SIGTERM"], code: EXIT.done },
  { signals: ["SIGINT", "SIGTERM"], code: 130 },
  { signals: ["SIGUSR2"], code: EXIT.requeue },
  { signals: ["SIGINT"], code: EXIT.done },
  { signals: ["SIGINT", "SIGINT"], code: 130 },
] as const;

/** Milliseconds in which most runs finish. */
const SPAN = 1800;

/** Milliseconds in which a run ends after one signal, with a save, and after two. */
const GRACE = [3000, 1000] as const;
/** Least milliseconds between two signals that count as separate. */
const APART = REPEAT_MS + 150;

/**
 * Stops this many runs, alternating the ways, at times drawn from a seed: each ends in time with
 * the code of its signal, and resumes to the state of an undisturbed run.
 */
export async function assertStopsAreKept(
  lab: Lab,
  family: Family,
  { times, seed }: { times: number; seed: number },
): Promise<void> {
  const state = await golden(family, ...MORE);
  for (let n = 0; n < times; n++) {
    const { signals, code } = WAYS[n % WAYS.length] as typeof WAYS[number];
    const moment = SPAN * unit(threefry(fold(rootKey(seed), n), 0, 0)[0]);
    const out = `run-${n}`;
    const where = `seed ${seed}, stop ${n}: ${signals.join(", ")} after ${moment.toFixed(0)} ms`;
    const running = lab.start(args(family, out, "--workers=2", ...MORE));
    // Signal handlers are installed from this line on.
    await running.line(/^run +/);
    await pause(10);
    let over = false;
    running.ended.then(() => over = true);
    await pause(moment);
    if (!over) {
      const told = performance.now();
      running.kill(signals[0]);
      if (signals[1] !== undefined && await stopsSoon(running)) {
        await pause(APART);
        if (!over) running.kill(signals[1]);
      }
      const ended = await running.ended;
      const took = performance.now() - told;
      // It may have finished at the signal, or have saved between the two.
      if (ended.stderr !== "" && (code !== 130 || ended.code !== EXIT.done)) {
        assertEquals(ended.code, code, where + "\n" + ended.stderr + ended.stdout.slice(-500));
        assertLess(took, GRACE[signals.length - 1] as number, where);
      }
      await lab.untilGone();
      lab.assertQuiet();
    }
    await goOn(lab, family, out);
    assertEquals(lab.stateHash(out), state, where);
    await lab.assertEnded(out, { state, steps: STEPS });
  }
}

/** Whether the first signal was handled before the run finished. */
function stopsSoon(running: { errorLine(pattern: RegExp): Promise<void> }): Promise<boolean> {
  return running.errorLine(/^Stopping/).then(() => true, () => false);
}

/** Resumes a run, or restarts it if there is no checkpoint. */
async function goOn(lab: Lab, family: Family, out: string): Promise<void> {
  if ((await listCheckpoints(lab.of(`${out}/checkpoints`))).length > 0) {
    await lab.finish([`--resume=${out}`]);
    return;
  }
  await Deno.remove(lab.of(out), { recursive: true }).catch(() => {});
  await lab.finish(args(family, out, "--workers=2", ...MORE));
}
