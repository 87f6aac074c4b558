/** Which trials a law in one quantity is about: those that nothing smaller beats. */
import { countDistinct } from "./distinct.ts";
import type { ScalingPoint } from "../types.ts";

/** What a law in one quantity may be in. */
export type Quantity = "params" | "tokens" | "flops";

/** Replicates, trials of the same parameters and tokens, as one point of their geometric mean. */
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

/** Replicates averaged, then the points with a lower loss than all that have no more of `of`. */
export function frontierOf(points: readonly ScalingPoint[], of: Quantity): ScalingPoint[] {
  const sorted = averaged(points).sort((a, b) => a[of] - b[of] || a.loss - b.loss);
  const frontier: ScalingPoint[] = [];
  for (const point of sorted) {
    const last = frontier.at(-1);
    if (last !== undefined && point.loss >= last.loss) continue;
    // Trials that are within a percent of each other are of one size.
    if (last !== undefined && countDistinct([last[of], point[of]]) === 1) frontier.pop();
    frontier.push(point);
  }
  return frontier;
}
