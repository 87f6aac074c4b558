/** The end of a run: writes summary.json and tells where everything is. */
import { writingFault } from "../../src/base/file_fault.ts";
import { sealed } from "../../src/base/hash.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { writeJsonAtomic } from "../../src/report/atomic.ts";
import type { EventSink } from "../../src/report/events.ts";
import { type Summary, summaryOf } from "../../src/report/summary.ts";
import type { RunOutcome } from "../coordinator/request.ts";

/** The notice of a run that was stopped before it computed anything. */
export const IDLE = "Stopped before the first step: nothing was trained";

/** Reports the end of a run; undefined when it was stopped before anything was there to keep. */
export function finishRun(
  outcome: RunOutcome,
  { out, summary: path, config, report, show, seconds }: {
    readonly out: string;
    /** Path of the summary. */
    readonly summary: string;
    readonly config: RunConfig;
    readonly report: EventSink;
    readonly show: EventSink;
    readonly seconds: number;
  },
): Summary | undefined {
  if (outcome.idle) {
    show({ type: "notice", text: IDLE });
    return undefined;
  }
  const { workers } = config;
  const summary = summaryOf({ ...outcome, steps: outcome.step, workers, seconds });
  const fault = summaryFault(path, sealed(summary));
  report({ type: "end", summary });
  const text = fault !== undefined
    ? `${fault}; the state is saved, and --resume=${out} writes it`
    : outcome.stopped
    ? `Stopped at step ${outcome.step}: go on with --resume=${out}`
    : `Everything lies in ${out}: checkpoints, metrics.jsonl, config.json, summary.json`;
  show({ type: "notice", text });
  return summary;
}

/** Writes the summary; the fault if the disk does not take it: the state is saved by then. */
function summaryFault(path: string, summary: unknown): string | undefined {
  try {
    writeJsonAtomic(path, summary);
    return undefined;
  } catch (error) {
    const fault = writingFault(error, { doing: "write", path });
    if (fault === undefined) throw error;
    return fault.message;
  }
}
