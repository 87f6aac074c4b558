/** The lines of metrics.jsonl. Pure: events in, text out, and what to keep of an older file. */
import { parseJsonText } from "../base/json.ts";
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

/**
 * What of a file stays when a run goes on from step `from`: whole lines of steps up to `from`. A run
 * from step 0 keeps none. Torn lines go.
 */
export function keptLines(text: string, from: number): string {
  if (from === 0) return "";
  return text.split("\n").filter((line) => {
    const step = stepOfLine(line);
    return step !== undefined && step <= from;
  }).map((line) => line + "\n").join("");
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
