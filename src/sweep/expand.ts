/**
 * Expands a sweep to its trials: crosses axes, applies rules, converts budgets to steps. Collects
 * all faults before the first trial starts. Pure except for the `measure` callback.
 */
import { UserError } from "../base/user_error.ts";
import { kindSections, withKind } from "../config/kinds.ts";
import { isPlain, type PlainConfig } from "../config/overrides.ts";
import { resolveConfig } from "../config/resolve.ts";
import { type AxisPoint, pointsOf } from "./axes.ts";
import { derive, withKey } from "./derive.ts";
import { groupKey, trialKey } from "./key.ts";
import { nameOf } from "./name.ts";
import type { Budgets, Sweep } from "./schema.ts";
import { flopsOfToken, type Measure, type Size, type Trial } from "./types.ts";

/** An invalid trial and its fault. */
export interface TrialFault {
  readonly name: string;
  readonly fault: string;
  /** The config is valid, but too large for the device. */
  readonly tooLarge?: boolean;
}

/** Valid trials without duplicate keys, in the order of the axes, and the invalid ones. */
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

/** Whether an error is a fault of the trial rather than a bug. */
function isFault(error: unknown): error is Error {
  return error instanceof UserError || error instanceof RangeError;
}

/** Cartesian product of axes and seeds. @throws {UserError} for an invalid axis. */
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

/** A trial before validation of its config. */
interface Plan {
  readonly point: AxisPoint;
  readonly input: PlainConfig;
  readonly size: Size;
}

async function plansAt(
  point: AxisPoint,
  { sweep, measure }: { sweep: Sweep; measure: Measure },
): Promise<Plan[]> {
  const base = kindSections().reduce((config, section) => {
    const kind = point[`${section}.kind`];
    return typeof kind === "string" ? withKind(config, { section, kind }).config : config;
  }, sweep.base);
  let input: PlainConfig = { ...quiet(base), name: sweep.name };
  for (const [key, value] of Object.entries(point)) input = withKey(input, key, value);
  input = { ...await derive(input, sweep.derived, measure), out: null };
  const { budgets } = sweep;
  if (budgets === undefined) {
    return [{ point, input, size: await measure(resolveConfig(input)) }];
  }
  // Size and tokens per step do not depend on the length, but the config must be longer than its
  // warmup.
  const size = await measure(resolveConfig(ofLength(input, longest(input))));
  return amountsOf(budgets, size).map(({ label, tokens }) => {
    const steps = Math.max(1, Math.round(tokens / size.tokensPerStep));
    return { point: { ...point, ...label }, input: ofLength(input, steps), size };
  });
}

/** Trials draw no samples by default. */
function quiet(base: PlainConfig): PlainConfig {
  const report = isPlain(base["report"]) ? base["report"] : {};
  return { ...base, report: { sample_length: 0, ...report } };
}

/** Sets the steps, and the end of the decay with them. */
function ofLength(input: PlainConfig, steps: number): PlainConfig {
  return withKey(withKey(input, "steps", steps), "optim.decay_steps", steps);
}

function longest({ optim }: PlainConfig): number {
  const { warmup_steps: warmup } = Object(optim ?? {});
  return typeof warmup === "number" && warmup > 0 ? 1000 * Math.ceil(warmup) : 100_000;
}

/** Label and tokens of each budget. */
function amountsOf(budgets: Budgets, size: Size): { label: AxisPoint; tokens: number }[] {
  if ("tokens" in budgets) {
    return budgets.tokens.map((tokens) => ({ label: { tokens }, tokens }));
  }
  const params = size.counts[budgets.count];
  if ("flops" in budgets) {
    const each = flopsOfToken(size, params);
    return budgets.flops.map((flops) => ({ label: { flops }, tokens: flops / each }));
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
    flops: flopsOfToken(size) * tokens,
  };
}
