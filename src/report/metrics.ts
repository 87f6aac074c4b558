/** The lines of metrics.jsonl: formatting, and which lines a resumed run keeps. Pure. */
import { parseJsonText } from "../base/text/json.ts";
import type { RunEvent } from "./events.ts";

/** The line of a step or an evaluation, with its line feed; undefined for other events. */
export function metricsLine(event: RunEvent): string | undefined {
  if (event.type === "step") {
    const { step, loss, terms, lr, gradNorm, tokens, tokensPerS, exchange } = event;
    const line = {
      step,
      loss,
      terms,
      lr,
      grad_norm: gradNorm,
      tokens,
      tokens_per_s: tokensPerS,
      exchange_ms: exchange?.ms,
      exchange_bytes: exchange?.bytes,
    };
    return JSON.stringify(line) + "\n";
  }
  if (event.type === "eval") {
    const { step, valLoss, valAccuracy, terms, texts } = event;
    const named = texts?.map(({ name, valLoss }) => [name, valLoss]);
    const line = {
      step,
      val_loss: valLoss,
      val_accuracy: valAccuracy,
      val_terms: terms,
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

/** The line of a sample, with its line feed; undefined for other events. */
export function sampleLine(event: RunEvent): string | undefined {
  if (event.type !== "sample") return undefined;
  const { step, prompt, text } = event;
  return JSON.stringify({ step, prompt, text }) + "\n";
}

/** The part of a file that a resumed run keeps. */
export interface CutLines {
  /** The complete lines of the kept steps. */
  readonly kept: string;
  /** Numbers, from 1, of damaged or misplaced lines; a torn last line is not one of them. */
  readonly damaged: readonly number[];
}

/**
 * The part of a file to keep when a run resumes from step `from`; nothing for step 0. Steps never
 * decrease within a file: lines outside the longest non-decreasing subsequence, and lines without a
 * step, are damaged.
 */
export function cutLines(text: string, from: number): CutLines {
  if (from === 0) return { kept: "", damaged: [] };
  const ended = text.split("\n").slice(0, -1);
  const last = text.slice(text.lastIndexOf("\n") + 1);
  // The last line may be complete except for its line feed.
  const lines = stepOfLine(last) === undefined ? ended : [...ended, last];
  const steps = lines.map(stepOfLine);
  const inOrder = nonDecreasing(steps);
  return {
    kept: lines.filter((_, i) => inOrder[i] === true && (steps[i] as number) <= from)
      .map((line) => line + "\n").join(""),
    damaged: lines.flatMap((_, i) => inOrder[i] === true ? [] : [i + 1]),
  };
}

/** Which values form the longest non-decreasing subsequence (patience sorting). */
function nonDecreasing(values: readonly (number | undefined)[]): boolean[] {
  /** By length - 1: index of the smallest last value of a subsequence of that length. */
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
  const inOrder = values.map(() => false);
  for (let i = ends.at(-1); i !== undefined; i = before.get(i)) inOrder[i] = true;
  return inOrder;
}

/** The lines that {@linkcode cutLines} keeps. */
export function keptLines(text: string, from: number): string {
  return cutLines(text, from).kept;
}

/** The last step with an evaluation, or -1. */
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
