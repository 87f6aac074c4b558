/** The Pareto frontier of trials for laws in one quantity. */
import { countDistinct } from "./distinct.ts";
import type { ScalingPoint } from "../types.ts";

/** Quantities of such laws. */
export type Quantity = "params" | "tokens" | "flops";

/** Averages replicates (equal parameters and tokens) by the geometric mean of their losses. */
export function averaged(points: readonly ScalingPoint[]): ScalingPoint[] {
  const same = new Map<string, ScalingPoint[]>();
  for (const point of points) {
    const key = `${point.params} ${point.tokens}`;
    same.set(key, [...same.get(key) ?? [], point]);
  }
  return [...same.values()].map((group) => {
    if (group.length === 1) return group[0] as ScalingPoint;
    const logs = group.reduce((sum, p) => sum + Math.log(p.loss), 0);
    return { ...group[0] as ScalingPoint, loss: Math.exp(logs / group.length) };
  });
}

/**
 * The frontier after averaging replicates: points with a lower loss than all with no more of `of`.
 */
export function frontierOf(points: readonly ScalingPoint[], of: Quantity): ScalingPoint[] {
  const sorted = averaged(points).sort((a, b) => a[of] - b[of] || a.loss - b.loss);
  const frontier: ScalingPoint[] = [];
  for (const point of sorted) {
    const last = frontier.at(-1);
    if (last !== undefined && point.loss >= last.loss) continue;
    // Trials within a percent count as one size.
    if (last !== undefined && countDistinct([last[of], point[of]]) === 1) frontier.pop();
    frontier.push(point);
  }
  return frontier;
}
