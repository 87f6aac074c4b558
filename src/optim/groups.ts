/**
 * Parameter groups: which settings of a config apply to a parameter, by its name, and which of the
 * optimizer's rules updates it. Pure.
 */
import type { HiddenMatrix, Shape } from "../base/shape.ts";
import type { ParamGroup } from "./fields.ts";
import { momentsOf, ruleFor } from "./rules.ts";
import type { Optimizer } from "./types.ts";

/** A parameter as its model declares it. */
export interface DeclaredParam {
  readonly name: string;
  readonly shape: Shape;
  /** Whether weight decay applies. */
  readonly decay: boolean;
  /** Factor of its learning rate; default: 1. */
  readonly lrScale?: number;
  /** Set for the weight matrix of a hidden layer. */
  readonly hidden?: HiddenMatrix;
}

/** What a parameter's group and rule add to its declaration. */
export interface Grouping {
  /** Weight decay instead of the config's. */
  readonly weightDecay?: number;
  /** Name of its update rule, unless it is the optimizer's first. */
  readonly rule?: string;
  /** Moments of the optimizer that its rule does not keep. */
  readonly lacks?: readonly string[];
  /** Whether it is never updated. */
  readonly frozen?: boolean;
}

/** Each parameter with the settings of the first group that matches its name. */
export function groupParams<P extends DeclaredParam, C>(
  params: readonly P[],
  { optimizer, config, groups }: {
    readonly optimizer: Optimizer<C>;
    readonly config: C;
    readonly groups: readonly ParamGroup[];
  },
): (P & Grouping)[] {
  const all = momentsOf(optimizer, config);
  return params.map((param) => {
    const group = groups.find(({ match }) => matches(match, param.name));
    if (group?.frozen) return { ...param, frozen: true };
    const { lr_scale: scale, weight_decay: weightDecay } = group ?? {};
    const rule = optimizer.ruleOf?.(param);
    const kept = ruleFor(optimizer, rule).moments(config);
    const lacks = all.filter((moment) => !kept.includes(moment));
    return {
      ...param,
      ...scale !== undefined && { lrScale: (param.lrScale ?? 1) * scale },
      ...weightDecay !== undefined && { decay: true, weightDecay },
      ...rule !== undefined && { rule },
      ...lacks.length > 0 && { lacks },
    };
  });
}

/**
 * The index of the first group that changes nothing: no name matches it, or (`by`) every name that
 * does matches the earlier group `by` as well. Undefined if there is none.
 */
export function uselessGroup(
  names: readonly string[],
  groups: readonly ParamGroup[],
): { readonly index: number; readonly by?: number } | undefined {
  const taken = new Map<string, number>();
  for (const [index, { match }] of groups.entries()) {
    const matched = names.filter((name) => matches(match, name));
    const [first] = matched;
    if (first === undefined) return { index };
    const by = taken.get(first);
    if (by !== undefined && matched.every((name) => taken.has(name))) return { index, by };
    for (const name of matched) if (!taken.has(name)) taken.set(name, index);
  }
  return undefined;
}

/**
 * Whether a pattern matches a whole name: `*` stands for any characters, dots included, `?` for one.
 * Backtracks to the last `*` alone, so it takes at most pattern length x name length steps.
 */
export function matches(pattern: string, name: string): boolean {
  let [p, n] = [0, 0];
  let [star, resume] = [-1, 0];
  while (n < name.length) {
    if (pattern[p] === "*") {
      star = p++;
      resume = n;
    } else if (pattern[p] === "?" || pattern[p] === name[n]) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++resume;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
