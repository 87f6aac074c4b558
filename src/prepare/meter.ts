/** Progress and summary lines of a preparation. Pure: the caller passes elapsed seconds. */
import { showBytes, showCount, showSeconds } from "../report/format.ts";
import type { PreparedIndex } from "../data/prepared/schema.ts";
import { unknownNote } from "../data/unknown.ts";

/** Bytes of a phase at a moment. */
export interface MeterReading {
  readonly phase: "scan" | "encode" | "check";
  readonly bytes: number;
  readonly total: number;
  /** Elapsed seconds of the phase. */
  readonly seconds: number;
  /** Bytes done before this process, in a resumed preparation. */
  readonly before: number;
}

/** `encoding 45 %  1.20 GB of 2.67 GB  21.3 MB/s  1 m 9 s left`. */
export function meterLine({ phase, bytes, total, seconds, before }: MeterReading): string {
  const doing = { scan: "reading", encode: "encoding", check: "checking" }[phase];
  const percent = total === 0 ? 100 : Math.min(100, Math.floor(100 * bytes / total));
  const parts = [`${doing} ${percent} %`, `${showBytes(bytes)} of ${showBytes(total)}`];
  const rate = (bytes - before) / seconds;
  if (rate > 0 && Number.isFinite(rate)) {
    parts.push(`${showBytes(Math.round(rate))}/s`);
    parts.push(`${showSeconds(Math.max(0, total - bytes) / rate)} left`);
  }
  return parts.join("  ");
}

/** Summary lines of a finished preparation. */
export function summaryLines(
  { train, validation, tokenizer, options, inputs }: PreparedIndex,
): string[] {
  const tokens = train.tokens + validation.tokens;
  const bytes = train.bytes + validation.bytes;
  const note = unknownNote("the text", {
    unknown: (train.unknown ?? 0) + (validation.unknown ?? 0),
    tokens,
  });
  const files = inputs.length === 1 ? "1 file" : `${inputs.length} files`;
  return [
    `${
      showCount(tokens)
    } tokens of ${files} by ${options.tokenizer}, vocabulary ${tokenizer.vocabulary}, ` +
    `${(tokens / bytes).toPrecision(3)} tokens per byte`,
    `  train       ${sideLine(train)}`,
    `  validation  ${sideLine(validation)}`,
    ...note === undefined ? [] : [note],
  ];
}

function sideLine(
  { tokens, documents, bytes, shards }: PreparedIndex["train"],
): string {
  return `${showCount(tokens)} tokens, ${countOf(documents, "document")}, ${
    showBytes(bytes)
  } of text, ${countOf(shards.length, "shard")}`;
}

/** `1 document`, `2 documents`. */
export function countOf(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? "" : "s"}`;
}
