/**
 * From a sweep to its trials: axes crossed, rules applied, budgets made steps. Faults are collected,
 * so that all are known before the first trial starts. Pure but for the measuring.
 */
import { UserError } from "../base/user_error.ts";
import { withKind } from "../config/kinds.ts";
import { isPlain, type PlainConfig } from "../config/overrides.ts";
import { resolveConfig } from "../config/resolve.ts";
import { type AxisPoint, pointsOf } from "./axes.ts";
import { derive, withKey } from "./derive.ts";
import { groupKey, trialKey } from "./key.ts";
import { nameOf } from "./name.ts";
import type { Budgets, Sweep } from "./schema.ts";
import type { Measure, Size, Trial } from "./types.ts";

/** A trial that cannot be, by its name, and why. */
export interface TrialFault {
  readonly name: string;
  readonly fault: string;
  /** It is one in itself, and too large for the device. */
  readonly tooLarge?: boolean;
}

/** Trials, each key once, in the order of the axes, and those that cannot be. */
export interface Expanded {
  readonly trials: readonly Trial[];
  readonly faults: readonly TrialFault[];
}

/** All trials of a sweep. */
export async function expandSweep(sweep: Sweep, measure: Measure): Promise<Expanded> {
  const trials = new Map<string, Trial>();
  const faults: TrialFault[] = [];
  const collecting = async <T>(
    point: AxisPoint,
    make: () => T | Promise<T>,
  ): Promise<T | undefined> => {
    try {
      return await make();
    } catch (error) {
      if (!isFault(error)) throw error;
      const fault = error.message.replace(/^Cannot use this config: /, "");
      faults.push({ name: nameOf(point), fault });
      return undefined;
    }
  };
  for (const point of crossed(sweep)) {
    for (const plan of await collecting(point, () => plansAt(point, { sweep, measure })) ?? []) {
      const trial = await collecting(plan.point, () => trialOf(plan));
      if (trial === undefined || trials.has(trial.key)) continue;
      trials.set(trial.key, trial);
      const { name, size } = trial;
      if (size.faults.length === 0) continue;
      faults.push({ name, fault: size.faults.join("; "), tooLarge: true });
    }
  }
  return { trials: Array.from(trials.values()), faults };
}

/** What says that a trial cannot be, rather than that the program is wrong. */
function isFault(error: unknown): error is Error {
  return error instanceof UserError || error instanceof RangeError;
}

/** Every combination of the axes' points and the seeds. @throws {UserError} for an axis without sense. */
function crossed({ axes, replicates }: Sweep): AxisPoint[] {
  const all = Object.entries(axes).map(([name, axis]) => {
    try {
      return pointsOf(name, axis);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new UserError("config", `Cannot use this sweep: axes.${name}: ${error.message}`);
    }
  });
  const seeds = replicates?.seeds.map((seed): AxisPoint => ({ seed }));
  return [...all, ...seeds === undefined ? [] : [seeds]].reduce<AxisPoint[]>(
    (points, axis) => points.flatMap((point) => axis.map((value) => ({ ...point, ...value }))),
    [{}],
  );
}

/** A trial whose config is not checked yet. */
interface Plan {
  readonly point: AxisPoint;
  readonly input: PlainConfig;
  readonly size: Size;
}

async function plansAt(
  point: AxisPoint,
  { sweep, measure }: { sweep: Sweep; measure: Measure },
): Promise<Plan[]> {
  const kind = point["model.kind"];
  const base = typeof kind === "string" ? withKind(sweep.base, kind).config : sweep.base;
  let input: PlainConfig = { ...quiet(base), name: sweep.name };
  for (const [key, value] of Object.entries(point)) input = withKey(input, key, value);
  input = { ...await derive(input, sweep.derived, measure), out: null };
  const { budgets } = sweep;
  if (budgets === undefined) {
    return [{ point, input, size: await measure(resolveConfig(input)) }];
  }
  // Neither size nor tokens of a step depend on the length; the warmup may be longer than the default.
  const size = await measure(resolveConfig(ofLength(input, longest(input))));
  return amountsOf(budgets, size).map(({ label, tokens }) => {
    const steps = Math.max(1, Math.round(tokens / size.tokensPerStep));
    return { point: { ...point, ...label }, input: ofLength(input, steps), size };
  });
}

/** Trials draw no sample unless told: nobody reads it. */
function quiet(base: PlainConfig): PlainConfig {
  const report = isPlain(base["report"]) ? base["report"] : {};
  return { ...base, report: { sample_length: 0, ...report } };
}

/** A run of `steps` steps whose decay ends with them. */
function ofLength(input: PlainConfig, steps: number): PlainConfig {
  return withKey(withKey(input, "steps", steps), "optim.decay_steps", steps);
}

function longest({ optim }: PlainConfig): number {
  const { warmup_steps: warmup } = Object(optim ?? {});
  return typeof warmup === "number" && warmup > 0 ? 1000 * Math.ceil(warmup) : 100_000;
}

/** Tokens of each budget, and what it is called. */
function amountsOf(budgets: Budgets, { counts }: Size): { label: AxisPoint; tokens: number }[] {
  if ("tokens" in budgets) {
    return budgets.tokens.map((tokens) => ({ label: { tokens }, tokens }));
  }
  const params = counts[budgets.count];
  if ("flops" in budgets) {
    return budgets.flops.map((flops) => ({ label: { flops }, tokens: flops / (6 * params) }));
  }
  return budgets.per_parameter.map((ratio) => ({
    label: { tokens_per_parameter: ratio },
    tokens: ratio * params,
  }));
}

function trialOf({ point, input, size }: Plan): Trial {
  const config = resolveConfig(input);
  const tokens = config.steps * size.tokensPerStep;
  return {
    key: trialKey(config),
    name: nameOf(point),
    group: groupKey(config),
    axes: point,
    config,
    size,
    tokens,
    flops: 6 * size.counts.all * tokens,
  };
}
