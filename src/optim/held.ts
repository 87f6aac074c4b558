/** Holds the optimizers of users to what they promise. The errors say what was returned. */
import { describeValue } from "../base/text/describe_value.ts";
import { UserError } from "../base/user_error.ts";
import type { Optimizer, StepScalars } from "./types.ts";

/** Names of vectors and scalars that a run has for every optimizer. */
const RESERVED = ["param", "grad", "grad_norm", "non_finite", "loss", "share", "random", "tokens"];
/** Names of vectors, which are in the names of slots and of tensors in checkpoints. */
const NAME = /^[A-Za-z][A-Za-z0-9_]*$/;

/** An optimizer whose functions throw a UserError for results that no run can use. */
export function heldOptimizer<C>(
  optimizer: Optimizer<C>,
  { kind, module }: { readonly kind: string; readonly module: string },
): Optimizer<C> {
  const { name, scalars, rules } = optimizer;
  const within = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (error instanceof UserError) throw error;
      const line = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
      throw new UserError("config", `Cannot use optimizer ${kind} (${module}): ${line}`);
    }
  };
  within(() => requireNames("scalars", scalars));
  return {
    name,
    scalars,
    scalarsAt: (step, config) =>
      within(() => {
        const values = optimizer.scalarsAt(step, config);
        requireScalars(values, { scalars, step });
        return values;
      }),
    rules: Object.fromEntries(
      Object.entries(rules).map(([key, rule]) => [key, {
        moments: (config) =>
          within(() => {
            const moments = rule.moments(config);
            requireNames("moments", moments);
            return moments;
          }),
        trace: (span, config) => within(() => rule.trace(span, config)),
      }]),
    ),
    ...optimizer.ruleOf !== undefined && {
      ruleOf: (param) =>
        within(() => {
          const rule: unknown = optimizer.ruleOf?.(param);
          if (rule === undefined || (typeof rule === "string" && Object.hasOwn(rules, rule))) {
            return rule;
          }
          const all = Object.keys(rules).join(", ");
          throw new RangeError(`need ruleOf to return one of ${all}: got ${describeValue(rule)}`);
        }),
    },
  };
}

/** @throws {RangeError} unless there is a finite number for each scalar, and no other value. */
function requireScalars(
  values: unknown,
  { scalars, step }: { readonly scalars: readonly string[]; readonly step: number },
): asserts values is StepScalars {
  const need = `need scalarsAt(${step}) to return`;
  if (typeof values !== "object" || values === null || values instanceof Promise) {
    throw new RangeError(
      `${need} an object of ${scalars.join(", ") || "nothing"}: got ${describeValue(values)}`,
    );
  }
  for (const name of scalars) {
    const value: unknown = Reflect.get(values, name);
    // Scalars are f32 on the device.
    if (typeof value === "number" && Number.isFinite(Math.fround(value))) continue;
    throw new RangeError(`${need} a finite f32 for ${name}: got ${describeValue(value)}`);
  }
  const unknown = Object.keys(values).find((name) => !scalars.includes(name));
  if (unknown === undefined) return;
  throw new RangeError(
    `${need} ${scalars.join(", ") || "nothing"} alone, its scalars: got ${unknown} as well`,
  );
}

/** @throws {RangeError} unless these are distinct names that no run has for itself. */
function requireNames(what: string, names: unknown): void {
  if (!Array.isArray(names)) {
    throw new RangeError(`need a list of names as ${what}: got ${describeValue(names)}`);
  }
  for (const [i, name] of names.entries()) {
    if (typeof name !== "string" || !NAME.test(name) || RESERVED.includes(name)) {
      throw new RangeError(
        `need names of letters and digits as ${what}, none of ${RESERVED.join(", ")}: got ` +
          describeValue(name),
      );
    }
    if (names.indexOf(name) < i) {
      throw new RangeError(`need each of ${what} once: got ${name} twice`);
    }
  }
}
