/** Applies `optim.groups` of a config to the parameters of its model. Pure. */
import { UserError } from "../base/user_error.ts";
import type { ParamGroup } from "../optim/fields.ts";
import { groupParams, uselessGroup } from "../optim/groups.ts";
import type { DeclaredParam, Grouping } from "../optim/groups.ts";
import { optimizerOf } from "../optim/mod.ts";
import type { RunConfig } from "./schema.ts";
import { nearestName } from "./suggest.ts";

/** Most names that an error lists. */
const NAMED = 4;

/**
 * Parameters with their group's settings and update rule. @throws {UserError} `config` when a
 * group has no effect, or all parameters are frozen.
 */
export function groupedParams<P extends DeclaredParam>(
  params: readonly P[],
  { optim }: Pick<RunConfig, "optim">,
): (P & Grouping)[] {
  const { groups } = optim;
  const names = params.map(({ name }) => name);
  const useless = uselessGroup(names, groups);
  if (useless !== undefined) {
    throw fault(`optim.groups.${useless.index}.match`, needOf(useless, groups, names));
  }
  const grouped = groupParams(params, { optimizer: optimizerOf(optim), config: optim, groups });
  if (grouped.length > 0 && grouped.every(({ frozen }) => frozen)) {
    throw fault("optim.groups", "need a parameter that is trained: all are frozen");
  }
  return grouped;
}

/** What a group without an effect needs: another pattern, or another place. */
function needOf(
  { index, by }: { readonly index: number; readonly by?: number },
  groups: readonly ParamGroup[],
  names: readonly string[],
): string {
  const match = groups[index]?.match as string;
  if (by === undefined) {
    return `need a pattern that matches a parameter: "${match}" matches none, ${
      hint(match, names)
    }`;
  }
  const earlier = groups[by]?.match as string;
  return earlier === match
    ? `need each pattern once: "${match}" is that of optim.groups.${by} as well`
    : `need a parameter that no group before it has, for the first match counts: all that "${match}" ` +
      `matches are taken, as by "${earlier}" (optim.groups.${by})`;
}

function fault(path: string, message: string): UserError {
  return new UserError("config", `Cannot use this config: ${path}: ${message}`);
}

/** The end of a sentence: the nearest pattern of a name, or some of them. */
function hint(match: string, names: readonly string[]): string {
  // Layers differ in their number alone: name each of their parameters once.
  const patterns = Array.from(new Set(names.map((name) => name.replace(/\.\d+\./g, ".*."))));
  const prefixes = patterns.map((pattern) => pattern.replace(/\..*/, ".*"));
  const near = nearestName(match, [...patterns, ...prefixes]);
  if (near !== undefined) return `did you mean "${near}"?`;
  const more = patterns.length > NAMED ? ", ..." : "";
  return `parameters are ${patterns.slice(0, NAMED).join(", ")}${more}`;
}
