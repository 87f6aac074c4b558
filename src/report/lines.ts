/** The permanent lines of an event for a terminal. Pure. Steps have none: they are progress. */
import { oneLine, printable } from "../base/text/printable.ts";
import type { Reach, RunEvent, RunFacts } from "./events.ts";
import { showBytes, showCount, showLoss, showSeconds } from "./format.ts";
import { headerLines } from "./header_lines.ts";
import type { Summary } from "./summary.ts";
import { wrap } from "./wrap.ts";

/** The lines of an event in `width` columns, without line feeds. */
export function linesOf(event: RunEvent, width = Infinity): string[] {
  switch (event.type) {
    case "header":
      return [...headerLines(event.rows, width), ""];
    case "start":
      return [startLine(event.run)];
    case "step":
    case "progress":
    case "doing":
    case "rewind":
    case "saving":
      return [];
    case "reach":
      return reachLines(event);
    case "eval":
      return [
        `eval at step ${event.step}: val loss ${showLoss(event.valLoss)}${accuracyOf(event)}` +
        textsOf(event),
      ];
    case "checkpoint":
      return [
        oneLine(`saved ${event.path}`) +
        ` (${showBytes(event.bytes)} in ${Math.round(event.ms)} ms)`,
      ];
    case "notice":
      return [oneLine(event.text)];
    case "sample":
      return sampleLines(event, width);
    case "end":
      return endLines(event.summary);
  }
}

function startLine({ workers, adapter, mode, from, steps }: RunFacts): string {
  const device = mode === undefined ? adapter : `${adapter} (${mode})`;
  return `training on ${workers} ${workers === 1 ? "worker" : "workers"}, ${device}, ` +
    `from step ${from} to ${steps}`;
}

/** A title, and below it the prompt and its continuation, indented. */
function sampleLines(
  { step, prompt, text }: RunEvent & { type: "sample" },
  width: number,
): string[] {
  const behind = prompt === "" ? "" : `, prompt ${JSON.stringify(prompt)}`;
  const lines = printable(prompt + text).split("\n").flatMap((line) => wrap(line, width - 2));
  return [
    `sample at step ${step}${behind}:`,
    ...lines.map((line) => line === "" ? "" : `  ${line}`),
  ];
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

/** A line per direction, which is named if there are two. */
function reachLines({ step, reaches }: RunEvent & { type: "reach" }): string[] {
  return reaches.map((reach) => {
    const way = reaches.length > 1 ? ` ${reach.direction}` : "";
    return `gradient reach${way} at step ${step}, ${reachOf(reach)}`;
  });
}

/** The norms at distances that are powers of two, with the number of windows if it is not all. */
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
