/** Runs that are told to stop at random moments, from the first compile to the last sample. */
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

/** How a run is told to stop, and the code that it then ends with. */
const WAYS = [
  { signals: ["SIGTERM"], code: EXIT.done },
  { signals: ["SIGINT", "SIGTERM"], code: 130 },
  { signals: ["SIGUSR2"], code: EXIT.requeue },
  { signals: ["SIGINT"], code: EXIT.done },
  { signals: ["SIGINT", "SIGINT"], code: 130 },
] as const;

/** Milliseconds after the start in which most runs are over. */
const SPAN = 1800;

/** Milliseconds in which a run that is told once has saved and ended, and one that is told twice. */
const GRACE = [3000, 1000] as const;
/** Milliseconds from one signal to another that is no copy of it. */
const APART = REPEAT_MS + 150;

/**
 * Stops runs so many times, each way in turn, at moments drawn from a seed: each ends in time with
 * the code of its signal, and goes on to the state of an undisturbed run.
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
    // From this line on signals are listened to.
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
      // It may have been over in the moment of the signal, or have saved between the two.
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

/** Whether the first signal was heard before the run was over. */
function stopsSoon(running: { errorLine(pattern: RegExp): Promise<void> }): Promise<boolean> {
  return running.errorLine(/^Stopping/).then(() => true, () => false);
}

/** Resumes a run, or begins it anew where there is no checkpoint to resume from. */
async function goOn(lab: Lab, family: Family, out: string): Promise<void> {
  if ((await listCheckpoints(lab.of(`${out}/checkpoints`))).length > 0) {
    await lab.finish([`--resume=${out}`]);
    return;
  }
  await Deno.remove(lab.of(out), { recursive: true }).catch(() => {});
  await lab.finish(args(family, out, "--workers=2", ...MORE));
}
