/** The lines of metrics.jsonl. Pure: events in, text out, and what to keep of an older file. */
import { parseJsonText } from "../base/text/json.ts";
import type { RunEvent } from "./events.ts";

/** The line of a step or an evaluation, with its line feed; other events have none. */
export function metricsLine(event: RunEvent): string | undefined {
  if (event.type === "step") {
    const { step, loss, lr, gradNorm, tokens, tokensPerS } = event;
    const line = { step, loss, lr, grad_norm: gradNorm, tokens, tokens_per_s: tokensPerS };
    return JSON.stringify(line) + "\n";
  }
  if (event.type === "eval") {
    const { step, valLoss, valAccuracy, texts } = event;
    const named = texts?.map(({ name, valLoss }) => [name, valLoss]);
    const line = {
      step,
      val_loss: valLoss,
      val_accuracy: valAccuracy,
      val_losses: named && Object.fromEntries(named),
    };
    return JSON.stringify(line) + "\n";
  }
  if (event.type === "reach") {
    const columns = event.reaches.flatMap(({ direction, norms, windows }) => {
      const name = direction === "forward" ? "gradient_reach" : `gradient_reach_${direction}`;
      return [[name, norms], [`${name}_windows`, windows]];
    });
    return JSON.stringify({ step: event.step, ...Object.fromEntries(columns) }) + "\n";
  }
  return undefined;
}

/** The line of a sample, with its line feed; other events have none. */
export function sampleLine(event: RunEvent): string | undefined {
  if (event.type !== "sample") return undefined;
  const { step, prompt, text } = event;
  return JSON.stringify({ step, prompt, text }) + "\n";
}

/** What of a file stays when a run goes on. */
export interface CutLines {
  /** Whole lines of steps up to it. */
  readonly kept: string;
  /** Numbers, from 1, of the lines that are neither whole nor in their place; a torn last line is none. */
  readonly damaged: readonly number[];
}

/**
 * What of a file stays when a run goes on from step `from`, from step 0 nothing. Steps never fall in a
 * file: a line outside of the longest sequence that does not fall is damaged, as is one without a step.
 */
export function cutLines(text: string, from: number): CutLines {
  if (from === 0) return { kept: "", damaged: [] };
  const ended = text.split("\n").slice(0, -1);
  const last = text.slice(text.lastIndexOf("\n") + 1);
  // Without its line feed the last line may be whole.
  const lines = stepOfLine(last) === undefined ? ended : [...ended, last];
  const steps = lines.map(stepOfLine);
  const sound = notFalling(steps);
  return {
    kept: lines.filter((_, i) => sound[i] === true && (steps[i] as number) <= from)
      .map((line) => line + "\n").join(""),
    damaged: lines.flatMap((_, i) => sound[i] === true ? [] : [i + 1]),
  };
}

/** Which values make up the longest sequence that never falls (by patience sorting). */
function notFalling(values: readonly (number | undefined)[]): boolean[] {
  /** Index of the least last value of a sequence, by its length less 1. */
  const ends: number[] = [];
  const before = new Map<number, number | undefined>();
  for (const [i, value] of values.entries()) {
    if (value === undefined) continue;
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((values[ends[middle] as number] as number) <= value) low = middle + 1;
      else high = middle;
    }
    before.set(i, ends[low - 1]);
    ends[low] = i;
  }
  const sound = values.map(() => false);
  for (let i = ends.at(-1); i !== undefined; i = before.get(i)) sound[i] = true;
  return sound;
}

/** The lines that {@linkcode cutLines} keeps. */
export function keptLines(text: string, from: number): string {
  return cutLines(text, from).kept;
}

/** The last step up to which a file has an evaluation, or -1. */
export function lastEval(text: string): number {
  const lines = text.split("\n").filter((line) => line.includes('"val_loss"'));
  return lines.reduce((last, line) => Math.max(last, stepOfLine(line) ?? -1), -1);
}

function stepOfLine(line: string): number | undefined {
  try {
    const value: unknown = parseJsonText(line);
    if (typeof value !== "object" || value === null || !("step" in value)) return undefined;
    return typeof value.step === "number" ? value.step : undefined;
  } catch {
    return undefined;
  }
}
