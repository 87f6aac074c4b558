/** Log-probabilities as tab-separated lines: token as JSON, id, natural logarithm. */
import { printable } from "../base/text/printable.ts";

/** One token's line. */
export function tokenLine(text: string, { id, logprob }: { id: number; logprob: number }): string {
  return `${printable(JSON.stringify(text))}\t${id}\t${logprob.toFixed(6)}\n`;
}

/** The last line: the mean over the tokens. */
export function meanLine(logprobs: readonly number[]): string {
  const n = logprobs.length;
  const mean = logprobs.reduce((a, b) => a + b, 0) / n;
  return n === 0 ? "" : `mean of ${n}\t\t${mean.toFixed(6)}\n`;
}
