/** Formats the results of chaos. */
import type { Total } from "./gather.ts";
import type { Storm } from "./storm.ts";

/** Lines: faults by kind, their cost, errors found. */
export function report({ storms, useful, faults, wrong }: Total): string {
  const sum = (of: (storm: Storm) => number) => storms.reduce((n, storm) => n + of(storm), 0);
  const wall = sum(({ ms }) => ms);
  const all = Array.from(faults.values()).reduce((a, b) => a + b, 0);
  const [computed, steps] = [sum((s) => s.computed), sum((s) => s.steps)];
  const most = Math.max(0, ...storms.map((s) => s.descriptors));
  return [
    `${storms.length} runs in ${(wall / 1000).toFixed(0)} s met ${all} faults, ` +
    `one every ${(wall / 1000 / all).toFixed(1)} s:`,
    ...Array.from(faults, ([kind, n]) => `  ${String(n).padStart(5)}  ${kind}`),
    `steps: ${steps} count, ${computed} were computed, ${computed - steps} of them again`,
    `resumed ${sum((s) => s.resumed)} times, begun anew without a checkpoint ` +
    `${sum((s) => s.begun) - storms.length} times`,
    `goodput: ${(100 * useful / wall).toFixed(0)} % (undisturbed runs take ${
      (useful / 1000).toFixed(0)
    } s)`,
    `open descriptors of a coordinator: at most ${most}`,
    wrong.length === 0
      ? "every run ended in the state of an undisturbed one, and left nothing behind"
      : `WRONG:\n${wrong.join("\n")}`,
  ].join("\n");
}
