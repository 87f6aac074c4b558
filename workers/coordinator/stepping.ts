/**
 * A step of training: all members compute the gradient and vote, the gradient check judges the votes,
 * and the step is committed, computed again, skipped or rolled back.
 */
import { writingFault } from "../../src/base/file_fault.ts";
import { UserError } from "../../src/base/user_error.ts";
import { allFinite, judgeStep, sameBits } from "../../src/guard/judge.ts";
import type { Inspection } from "../../src/guard/judge.ts";
import { watch } from "../../src/guard/watch.ts";
import { learningRate } from "../../src/optim/schedule.ts";
import { addStep, tokensPerSecond } from "../../src/report/progress/rate.ts";
import { type ExchangeCost, exchangeCost } from "./exchanged.ts";
import { isPause } from "./next_action.ts";
import { rewind } from "./recovery.ts";
import type { RunContext } from "./context.ts";

/** Pauses between attempts to record a decision, ms. */
const PAUSES = [100, 400, 1500] as const;
/** Gradient checks on which members may disagree before all go back to a checkpoint. */
const DISAGREEMENTS = 2;

/** Computes a step, judges and commits it; `start`: when training began, in seconds. */
export async function step(context: RunContext, start: number): Promise<void> {
  const { run: { config }, course } = context;
  const { policy, max_skips: maxSkips } = config.guard;
  const checks: Inspection[] = [];
  for (let disagreed = 0; true;) {
    const check = await checkGradient(context);
    if (check === undefined) {
      if (++disagreed <= DISAGREEMENTS) continue;
      return await rewind(context, `workers disagree on the gradient of step ${course.step + 1}`);
    }
    checks.push(check);
    if (allFinite(check)) course.sound = Math.max(course.sound, course.step);
    const [first, again] = checks.slice(-2) as [Inspection, Inspection | undefined];
    const options = { policy, skipped: course.skips.size, maxSkips, looks: checks.length };
    const { action, cause, reason } = judgeStep(first, again, options);
    if (checks.length > 1 || action !== "commit") {
      context.note("guard", { step: course.step, action, reason });
    }
    if (action === "again") continue;
    if (action === "commit" || action === "transient") return await commit(context, check, start);
    // Equal numbers in two checks come from the state or the data, not from a hardware fault.
    const isRuined = cause === "numbers" && !Number.isFinite(check.loss);
    const what = `Training diverged in step ${course.step + 1}: ${reason}`;
    return await refuse(context, action, { what, step: course.step, isRuined });
  }
}

/** A gradient that all members agree on, and what its exchange cost. */
type AgreedGradient = Inspection & { readonly exchange: ExchangeCost | undefined };

/** The votes on a step's gradient; undefined when the members do not agree. */
async function checkGradient(context: RunContext): Promise<AgreedGradient | undefined> {
  const { group, course } = context;
  const { step } = course;
  if (course.granted !== step) {
    await group.order({ type: "step", step });
  }
  course.granted = -1;
  const votes = (await group.expect("vote")).map(({ reply }) => reply);
  const [first] = votes;
  if (first !== undefined && votes.every((vote) => sameBits(vote, first))) {
    return { ...first, exchange: exchangeCost(votes.map(({ times }) => times)) };
  }
  if (first === undefined) return undefined;
  const [losses, norms] = [votes.map((v) => v.loss), votes.map((v) => v.norm)];
  context.note("disagreement", { step, losses, norms });
  return undefined;
}

/** Commits a step: all votes are cast, so it counts even if a member is lost from here on. */
async function commit(
  context: RunContext,
  { loss, norm, terms, exchange }: AgreedGradient,
  start: number,
): Promise<void> {
  const { run: { config, now, report }, group, course, stop, tokensPerStep } = context;
  const { step } = course;
  const done = step + 1;
  course.step = done;
  course.loss = loss;
  if (exchange !== undefined) course.exchange.add(exchange);
  group.committed(done);
  const next = !isPause(done, config) && !stop.aborted && !group.wantsForming && !course.owed &&
    !course.skips.has(done) && course.ruin === undefined;
  await group.order({ type: "commit", step, next });
  if (next) course.granted = done;
  if (course.untried) context.note("recovered", { attempt: group.attempt, step: done });
  course.untried = false;
  const tokens = done * tokensPerStep;
  course.rate = addStep(course.rate, { tokens, seconds: now() });
  report({
    type: "step",
    step: done,
    loss,
    ...terms !== undefined && { terms: termsOf(context, terms) },
    lr: learningRate(step, config.optim),
    gradNorm: norm,
    tokens,
    tokensPerS: tokensPerSecond(course.rate),
    ...exchange !== undefined && { exchange: { ms: exchange.ms, bytes: exchange.bytes } },
    seconds: now() - start,
  });
  reportSpikes(context, { loss, norm });
  await context.pass("commit");
}

/** The terms of the loss by name; the layout has them behind the loss, in the model's order. */
function termsOf({ shape: { terms } }: RunContext, means: readonly number[]) {
  const trained = terms.filter(({ weight }) => weight !== 0);
  return Object.fromEntries(trained.map(({ name }, i) => [name, means[i] as number]));
}

function reportSpikes(context: RunContext, values: { loss: number; norm: number }): void {
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

/** Rolls back, or ends the run, when a state to be saved is not finite. */
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

/** Skips or rolls back a step that is never finite, or ends the run, as guard.policy says. */
async function refuse(
  context: RunContext,
  action: "halt" | "skip" | "rollback",
  { what, step, isRuined }: {
    readonly what: string;
    /** The step that caused it. */
    readonly step: number;
    /** Whether the state caused it, and not the step's data. */
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
  // On disk before it takes effect: a resume must decide the same.
  const fault = await recordFault(() =>
    context.note("skip", { step, skips: steps, reason: what }, true)
  );
  if (fault !== undefined) {
    // Without a record the step is not skipped: the state before it is saved and the run ends.
    context.course.fault = fault;
    return;
  }
  for (const each of steps) skips.add(each);
  report({ type: "notice", text: `${what}: ${action}` });
  if (action === "skip") return;
  if (isRuined) await setAside(context);
  await rewind(context, `step ${step + 1} is not finite`);
}

/** The advice for a run that diverged: what to change, and which checkpoint to resume from. */
async function adviceIn(context: RunContext, isRuined: boolean): Promise<string> {
  // A disk fault here must not hide the cause of the end.
  const newest = await setAside(context, isRuined ? context.course.sound : Infinity).catch(
    () => {},
  );
  return newest === undefined
    ? "lower optim.lr: there is no good checkpoint to go on from"
    : `lower optim.lr, or resume with another guard.policy: step ${newest} is the newest ` +
      `${isRuined ? "good " : ""}checkpoint`;
}

/** Sets ruined checkpoints aside; returns the newest step that is left. */
async function setAside(
  { run, course, quiet }: RunContext,
  sound = course.sound,
): Promise<number | undefined> {
  await quiet();
  return await run.setAside?.(sound);
}

/** Records a decision, with retries if the disk fails; returns the fault that remains. */
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

/** Skips a step: nothing is computed and the state stays as it is. */
export async function skipStep({ group, course }: RunContext): Promise<void> {
  await group.order({ type: "skip", step: course.step });
  if (course.sound === course.step) course.sound++;
  course.step++;
}
