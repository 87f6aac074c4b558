/** Formats the progress line of a run. Pure. */
import { showCount, showLoss, showRate, showSeconds } from "../format.ts";

/** The values of the line; undefined ones are omitted. */
export interface ProgressState {
  readonly step: number;
  readonly steps: number;
  readonly loss?: number | undefined;
  readonly valLoss?: number | undefined;
  readonly lr?: number | undefined;
  readonly gradNorm?: number | undefined;
  readonly tokensPerS?: number | undefined;
  readonly secondsLeft?: number | undefined;
}

/** Parts in the order in which they are dropped from a line that is too long. */
const DROP_ORDER = ["norm", "lr", "val", "rate", "left", "loss"] as const;

/**
 * The line in at most `width` columns: whole parts are dropped first, in order of importance, then
 * the line is cut.
 */
export function progressLine(progress: ProgressState, width: number): string {
  const parts = partsOf(progress);
  for (const part of DROP_ORDER) {
    if (join(parts).length <= width) break;
    parts.delete(part);
  }
  return join(parts).slice(0, Math.max(0, width));
}

function join(parts: ReadonlyMap<string, string>): string {
  return [...parts.values()].join("  ");
}

function partsOf(p: ProgressState): Map<string, string> {
  const total = String(p.steps);
  const parts = new Map([["step", `step ${String(p.step).padStart(total.length)}/${total}`]]);
  if (p.loss !== undefined) parts.set("loss", `loss ${showLoss(p.loss)}`);
  if (p.valLoss !== undefined) parts.set("val", `val ${showLoss(p.valLoss)}`);
  if (p.lr !== undefined) parts.set("lr", `lr ${showRate(p.lr)}`);
  if (p.gradNorm !== undefined) parts.set("norm", `norm ${p.gradNorm.toPrecision(3)}`);
  if (p.tokensPerS !== undefined) parts.set("rate", `${showCount(p.tokensPerS)} tok/s`);
  if (p.secondsLeft !== undefined) parts.set("left", `${showSeconds(p.secondsLeft)} left`);
  return parts;
}
