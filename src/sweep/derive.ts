/** Computes derived config keys. Pure except for the `measure` callback. */
import { keys } from "../config/keys.ts";
import { assignValue, isPlain, type PlainConfig } from "../config/overrides.ts";
import { resolveConfig } from "../config/resolve.ts";
import { multipleOf } from "./axes.ts";
import type { Rule } from "./schema.ts";
import type { Measure } from "./types.ts";

/** Upper bound of the bracket in a search for a parameter count. */
const LIMIT = 2 ** 20;

/** `input` with each rule's key set, in order. @throws {RangeError} when a rule has no solution. */
export async function derive(
  input: PlainConfig,
  rules: Readonly<Record<string, Rule>>,
  measure: Measure,
): Promise<PlainConfig> {
  let config = input;
  for (const [key, rule] of Object.entries(rules)) {
    const value = "of" in rule
      ? scaled(config, rule)
      : await nearest({ ...rule, key, config, measure });
    config = withKey(config, key, value);
  }
  return config;
}

/** A copy of a config with a dotted key set. @throws {RangeError} */
export function withKey(config: PlainConfig, key: string, value: unknown): PlainConfig {
  const next = assignValue(config, key.split("."), value);
  if (next === undefined) throw new RangeError(`${key}: need an object around it`);
  return next;
}

function scaled(
  config: PlainConfig,
  { of, times, plus, round, least = -Infinity, most = Infinity }: Extract<Rule, { of: string }>,
): number {
  const value = valueAt(config, of);
  if (typeof value !== "number") throw new RangeError(`${of}: need a number to derive from`);
  return Math.min(most, Math.max(least, multipleOf(round, times * value + plus)));
}

function valueAt(config: PlainConfig, path: string): unknown {
  const value = path.split(".").reduce<unknown>(
    (at, name) => isPlain(at) ? at[name] : undefined,
    config,
  );
  return value === undefined ? keys().find((key) => key.path === path)?.default : value;
}

/**
 * The multiple of `round` whose count is nearest to `params`, by bisection: counts increase with
 * the value.
 */
async function nearest(
  { params, count, round, key, config, measure }: Extract<Rule, { params: number }> & {
    key: string;
    config: PlainConfig;
    measure: Measure;
  },
): Promise<number> {
  const known = new Map<number, number>();
  const at = async (n: number): Promise<number> => {
    const found = known.get(n) ??
      (await measure(resolveConfig(withKey(config, key, n * round)))).counts[count];
    known.set(n, found);
    return found;
  };
  let high = 1;
  while (await at(high) < params) {
    high *= 2;
    if (high > LIMIT) {
      throw new RangeError(`${key}: need a key that ${params} parameters depend on`);
    }
  }
  let low = Math.max(1, Math.floor(high / 2));
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await at(middle) < params) low = middle;
    else high = middle;
  }
  const isLow = Math.abs(await at(low) - params) <= Math.abs(await at(high) - params);
  return (isLow ? low : high) * round;
}
