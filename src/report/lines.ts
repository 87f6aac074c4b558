/** The lines that an event leaves behind for a person. Pure; steps have none, they are progress. */
import type { Reach, RunEvent, RunFacts } from "./events.ts";
import { printable, showBytes, showCount, showLoss, showSeconds } from "./format.ts";
import type { Summary } from "./summary.ts";

/** The lines of an event, without line feeds, safe to print on a terminal. */
export function linesOf(event: RunEvent): string[] {
  switch (event.type) {
    case "start":
      return [printable(startLine(event.run))];
    case "step":
    case "rewind":
    case "saving":
      return [];
    case "reach":
      return reachLines(event);
    case "eval":
      return [
        `eval at step ${event.step}: val loss ${showLoss(event.valLoss)}${accuracyOf(event)}` +
        printable(textsOf(event)),
      ];
    case "checkpoint":
      return [
        printable(
          `saved ${event.path} (${showBytes(event.bytes)} in ${Math.round(event.ms)} ms)`,
        ),
      ];
    case "notice":
      return printable(event.text).split("\n");
    case "sample":
      return printable(event.prompt + event.text).split("\n");
    case "end":
      return endLines(event.summary);
  }
}

function startLine(run: RunFacts): string {
  const workers = `${run.workers} ${run.workers === 1 ? "worker" : "workers"}`;
  const resumed = run.from > 0 ? `, from step ${run.from}` : "";
  return `${run.name}: ${showCount(run.params)} parameters, ${workers} on ${run.adapter}, ` +
    `${showCount(run.tokensPerStep)} tokens per step, ${run.steps} steps${resumed}`;
}

function endLines(end: Summary): string[] {
  const loss = end.loss === null ? "" : `, loss ${showLoss(end.loss)}`;
  const val = end.val_loss === null ? "" : `, val loss ${showLoss(end.val_loss)}`;
  return [
    `done: ${end.steps} steps in ${showSeconds(end.seconds)}${loss}${val}, ` +
    `${showCount(end.tokens_per_s)} tok/s`,
    `state ${end.state_hash}`,
  ];
}

/** A line for each direction, which is named where there are two. */
function reachLines({ step, reaches }: RunEvent & { type: "reach" }): string[] {
  return reaches.map((reach) => {
    const way = reaches.length > 1 ? ` ${reach.direction}` : "";
    return `gradient reach${way} at step ${step}, ${reachOf(reach)}`;
  });
}

/** A few of the norms, at distances that double, with the windows where not all are so long. */
function reachOf({ norms, windows }: Reach): string {
  const [all = 0] = windows;
  const far = norms.flatMap((norm, k) => {
    const count = windows[k] ?? 0;
    if (count === 0 || !Number.isInteger(Math.log2(k + 1))) return [];
    return `${k} back ${norm.toExponential(1)}${count === all ? "" : ` (${count})`}`;
  });
  return `${all} ${all === 1 ? "window" : "windows"}: ${far.join(", ") || "nothing is asked"}`;
}

function textsOf({ texts = [] }: RunEvent & { type: "eval" }): string {
  if (texts.length === 0) return "";
  const shown = texts.map(({ name, valLoss }) =>
    `${name} ${valLoss === null ? "not asked" : showLoss(valLoss)}`
  );
  return ` (${shown.join(", ")})`;
}

function accuracyOf({ valAccuracy }: { readonly valAccuracy?: number }): string {
  return valAccuracy === undefined ? "" : `, accuracy ${(100 * valAccuracy).toFixed(1)} %`;
}
