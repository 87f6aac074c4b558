/** An optimizer of a user's module, held to what it declares. */
import { callUser } from "../base/user_calls.ts";
import { describeValue } from "../base/text/describe_value.ts";
import { GRAD_NORM } from "./clip.ts";
import { requireNames, requireScalars } from "./returned.ts";
import type { Optimizer, UpdateRule } from "./types.ts";

/** The optimizer with its functions called as those of a module. */
export function heldOptimizer<C>(
  optimizer: Optimizer<C>,
  { kind, module }: { readonly kind: string; readonly module: string },
): Optimizer<C> {
  const calling = <T>(what: string, work: () => T, check?: (made: T) => void): T =>
    callUser({ doing: `${what} of optimizer ${kind}`, module }, work, check);
  const { name, scalars, rules } = optimizer;
  calling("list the scalars", () => scalars, requireNames);
  const held = (rule: UpdateRule<C>, of: string): UpdateRule<C> => ({
    moments: (config) =>
      calling(`list the moments of rule ${of}`, () => rule.moments(config), requireNames),
    trace: ({ ranges, source, scalar }, config) =>
      calling(`trace rule ${of}`, () => {
        const vectors = ["grad", "param", ...rule.moments(config)];
        return rule.trace({
          ranges,
          source(vector, at) {
            requireDeclared("moments", vector, vectors);
            return source(vector, at);
          },
          scalar(name) {
            requireDeclared("scalars", name, [GRAD_NORM, ...scalars]);
            return scalar(name);
          },
        }, config);
      }),
  });
  return {
    name,
    scalars,
    rules: Object.fromEntries(Object.entries(rules).map(([of, rule]) => [of, held(rule, of)])),
    scalarsAt: (step, config) =>
      calling("call scalarsAt", () => optimizer.scalarsAt(step, config), (values) => {
        requireScalars(values, { scalars, step });
      }),
    ...optimizer.ruleOf && {
      ruleOf: (param) =>
        calling("call ruleOf", () => optimizer.ruleOf?.(param), (rule) => {
          if (rule === undefined || Object.hasOwn(rules, rule)) return;
          const all = Object.keys(rules).join(", ");
          throw new RangeError(`need one of its rules, ${all}: got ${describeValue(rule)}`);
        }),
    },
  };
}

/** @throws {RangeError} for a vector or a scalar that the optimizer does not declare. */
function requireDeclared(what: string, name: string, declared: readonly string[]): void {
  if (declared.includes(name)) return;
  throw new RangeError(`need ${what} with ${name}, which it reads: it has ${declared.join(", ")}`);
}
