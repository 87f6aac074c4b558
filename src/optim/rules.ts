/** Looks up the rules and the moments of an optimizer. */
import type { Optimizer, UpdateRule } from "./types.ts";

/** A rule by its name; undefined: the first. @throws {RangeError} when there is none. */
export function ruleFor<C>({ name, rules }: Optimizer<C>, rule: string | undefined): UpdateRule<C> {
  const found = rule === undefined ? Object.values(rules)[0] : rules[rule];
  if (found !== undefined) return found;
  throw new RangeError(`Cannot update by ${name}: need one of its rules: ${rule ?? "it has none"}`);
}

/** Names of the moments of all rules, each once. */
export function momentsOf<C>({ rules }: Optimizer<C>, config: C): readonly string[] {
  return Array.from(new Set(Object.values(rules).flatMap((rule) => rule.moments(config))));
}
