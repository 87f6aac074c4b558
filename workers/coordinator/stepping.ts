/**
 * How a step comes to count: every member computes it and votes, the votes are judged, and only
 * then is it committed. What it is made of, the workers know.
 */
import { writingFault } from "../../src/base/file_fault.ts";
import { UserError } from "../../src/base/user_error.ts";
import { allFinite, judgeStep, sameBits } from "../../src/guard/judge.ts";
import type { Inspection } from "../../src/guard/judge.ts";
import { watch } from "../../src/guard/watch.ts";
import { learningRate } from "../../src/optim/schedule.ts";
import { addStep, tokensPerSecond } from "../../src/report/progress/rate.ts";
import { isPause } from "./next_action.ts";
import { rewind } from "./recovery.ts";
import type { RunContext } from "./context.ts";

/** Points of a step that faults can name, until it is voted for. */
const POINTS = ["forward", "exchange", "summed", "voted"] as const;
/** Milliseconds between tries to write a decision down. */
const PAUSES = [100, 400, 1500] as const;
/** Looks at a step on which members may disagree before all go back to a checkpoint. */
const DISAGREEMENTS = 2;

/** Computes a step, judges it, and lets it count; `start`: when training began, in seconds. */
export async function step(context: RunContext, start: number): Promise<void> {
  const { run: { config }, course } = context;
  const { policy, max_skips: maxSkips } = config.guard;
  const looks: Inspection[] = [];
  for (let disagreed = 0; true;) {
    const look = await lookAt(context);
    if (look === undefined) {
      if (++disagreed <= DISAGREEMENTS) continue;
      return await rewind(context, `workers disagree on the gradient of step ${course.step + 1}`);
    }
    looks.push(look);
    if (allFinite(look)) course.sound = Math.max(course.sound, course.step);
    const [first, again] = looks.slice(-2) as [Inspection, Inspection | undefined];
    const options = { policy, skipped: course.skips.size, maxSkips, looks: looks.length };
    const { action, cause, reason } = judgeStep(first, again, options);
    if (looks.length > 1 || action !== "commit") {
      context.note("guard", { step: course.step, action, reason });
    }
    if (action === "again") continue;
    if (action === "commit" || action === "transient") return await commit(context, look, start);
    // The same numbers on a second look come from the state or the data, not from a hardware fault.
    const isRuined = cause === "numbers" && !Number.isFinite(look.loss);
    const what = `Training diverged in step ${course.step + 1}: ${reason}`;
    return await refuse(context, action, { what, step: course.step, isRuined });
  }
}

/** One look at a step's gradient; undefined when the members do not agree on it. */
async function lookAt(context: RunContext): Promise<Inspection | undefined> {
  const { group, course } = context;
  const { step } = course;
  if (course.granted !== step) {
    const strikes = context.strikes(step, POINTS);
    await group.order((rank) => ({ type: "step", step, strikes: strikes[rank] ?? [] }));
  }
  course.granted = -1;
  const votes = (await group.expect("vote")).map(({ reply }) => reply);
  const [first] = votes;
  if (first === undefined || votes.every((vote) => sameBits(vote, first))) return first;
  const [losses, norms] = [votes.map((v) => v.loss), votes.map((v) => v.norm)];
  context.note("disagreement", { step, losses, norms });
  return undefined;
}

/** Every vote is cast: from here on the step counts, whoever is lost. */
async function commit(
  context: RunContext,
  { loss, norm }: Inspection,
  start: number,
): Promise<void> {
  const { run: { config, now, report }, group, course, stop, tokensPerStep } = context;
  const { step } = course;
  const done = step + 1;
  course.step = done;
  course.loss = loss;
  group.committed(done);
  const next = !isPause(done, config) && !stop.aborted && !group.wantsForming && !course.owed &&
    !course.skips.has(done) && course.ruin === undefined;
  const apply = context.strikes(step, ["apply"]);
  const more = next ? context.strikes(done, POINTS) : [];
  await group.order((rank) => ({
    type: "commit",
    step,
    next,
    strikes: [...apply[rank] ?? [], ...more[rank] ?? []],
  }));
  if (next) course.granted = done;
  if (course.untried) context.note("recovered", { attempt: group.attempt, step: done });
  course.untried = false;
  const tokens = done * tokensPerStep;
  course.rate = addStep(course.rate, { tokens, seconds: now() });
  report({
    type: "step",
    step: done,
    loss,
    lr: learningRate(step, config.optim),
    gradNorm: norm,
    tokens,
    tokensPerS: tokensPerSecond(course.rate),
    seconds: now() - start,
  });
  lookForSpikes(context, { loss, norm });
  await context.pass("commit");
}

function lookForSpikes(context: RunContext, values: { loss: number; norm: number }): void {
  const { run: { config, report }, course } = context;
  const { state, alarms } = watch(course.watched, values, { threshold: config.guard.spike });
  course.watched = state;
  for (const { what, value, z } of alarms) {
    context.note("spike", { step: course.step, what, value, z });
    const name = what === "loss" ? "loss" : "gradient norm";
    const text = `Step ${course.step}: ${name} ${value.toPrecision(4)} is ${z.toFixed(1)} ` +
      "standard deviations above its mean";
    report({ type: "notice", text });
  }
}

/** A state that was to be saved and is not finite is not gone on from. */
export async function ruined(
  context: RunContext,
  { step, fault: { message, kept } }: NonNullable<RunContext["course"]["ruin"]>,
): Promise<void> {
  const { run: { config: { guard: { policy } } }, course } = context;
  course.ruin = undefined;
  context.note("ruined", { step, reason: message });
  const what = `Training diverged in step ${step}: ${message}` +
    (kept === undefined ? "" : `; it is kept as ${kept}`);
  // Passing over further steps does not repair the state.
  const action = policy === "rollback" ? policy : "halt";
  await refuse(context, action, { what, step: Math.max(0, step - 1), isRuined: true });
}

/** A step whose numbers are not finite whenever it is computed never counts. */
async function refuse(
  context: RunContext,
  action: "halt" | "skip" | "rollback",
  { what, step, isRuined }: {
    readonly what: string;
    /** The step that is to blame. */
    readonly step: number;
    /** Whether the state is to blame, and not what the step read. */
    readonly isRuined: boolean;
  },
): Promise<void> {
  const { run: { config: { guard }, report }, course: { skips } } = context;
  const first = action === "skip" ? step : Math.max(0, step + 1 - guard.rollback_steps);
  const steps = Array.from({ length: step + 1 - first }, (_, i) => first + i)
    .filter((each) => !skips.has(each));
  const isOver = action !== "halt" && skips.size + steps.length > guard.max_skips;
  if (action === "halt" || isOver || steps.length === 0) {
    const limit = `; guard.max_skips (${guard.max_skips}) allows no more steps to be passed over`;
    const text = `${what}${isOver ? limit : ""}; ${await adviceIn(context, isRuined)}`;
    throw new UserError("numerical", text);
  }
  // On disk before it is done: whoever resumes must decide the same.
  const fault = await recordFault(() =>
    context.note("skip", { step, skips: steps, reason: what }, true)
  );
  if (fault !== undefined) {
    // Without a record the step is not passed over: the state before it is saved and the run ends.
    context.course.fault = fault;
    return;
  }
  for (const each of steps) skips.add(each);
  report({ type: "notice", text: `${what}: ${action}` });
  if (action === "skip") return;
  if (isRuined) await setAside(context);
  await rewind(context, `step ${step + 1} is not finite`);
}

/** What to do about a run that diverged, and where it can go on. */
async function adviceIn(context: RunContext, isRuined: boolean): Promise<string> {
  // A disk that fails here must not hide why the run ends.
  const newest = await setAside(context, isRuined ? context.course.sound : Infinity).catch(
    () => {},
  );
  return newest === undefined
    ? "lower optim.lr: there is no good checkpoint to go on from"
    : `lower optim.lr, or resume with another guard.policy: step ${newest} is the newest ` +
      `${isRuined ? "good " : ""}checkpoint`;
}

/** Sets aside what is ruined of the checkpoints; gives the newest that is left. */
async function setAside(
  { run, course, quiet }: RunContext,
  sound = course.sound,
): Promise<number | undefined> {
  await quiet();
  return await run.setAside?.(sound);
}

/** Records a decision, with retries if the disk fails; gives the fault that remains. */
async function recordFault(write: () => void): Promise<UserError | undefined> {
  for (const pause of [...PAUSES, undefined]) {
    try {
      write();
      return undefined;
    } catch (error) {
      const fault = writingFault(error, { doing: "record what is passed over in" });
      if (fault === undefined) throw error;
      if (pause === undefined) {
        return new UserError(fault.exit === "tooLarge" ? fault.exit : "lost", fault.message);
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

/** Passes over a step: nothing is computed and nothing changes. */
export async function skipStep({ group, course }: RunContext): Promise<void> {
  await group.order({ type: "skip", step: course.step });
  // The state stays as it is.
  if (course.sound === course.step) course.sound++;
  course.step++;
}
