/** Retry policy for trials whose process ended. Pure. */
import { EXIT, type ExitName } from "../base/user_error.ts";

/** How a trial's process ended. */
export interface Ended {
  readonly code: number;
  /** Its last line on stderr. */
  readonly error: string;
  /** Steps that the trial has finished. */
  readonly steps: number;
}

/** The decision and its reason. */
export interface RetryVerdict {
  readonly verdict: "reached" | "stopped" | "retry" | "failed";
  readonly reason: string;
}

/** Deterministic failures: a retry would fail again. */
const LASTING: readonly ExitName[] = [
  "config",
  "data",
  "noInput",
  "noDevice",
  "tooLarge",
  "numerical",
  "incompatible",
];

/** Decides after a process ended. `until`: target step; `tries` includes this one. */
export function retryVerdict(
  { code, error, steps }: Ended,
  { until, tries, retries, stopping }: {
    readonly until: number;
    readonly tries: number;
    readonly retries: number;
    readonly stopping: boolean;
  },
): RetryVerdict {
  if (code === 0 && steps >= until) return { verdict: "reached", reason: `step ${until} is done` };
  if (stopping) return { verdict: "stopped", reason: `asked to stop at step ${steps}` };
  const why = error === "" ? `its process ended with code ${code}` : error;
  const name = (Object.keys(EXIT) as ExitName[]).find((each) => EXIT[each] === code);
  if (name !== undefined && LASTING.includes(name)) {
    return { verdict: "failed", reason: `${why} (it would again)` };
  }
  return tries <= retries
    ? { verdict: "retry", reason: `${why} (try ${tries + 1} of ${retries + 1})` }
    : { verdict: "failed", reason: `${why} (after ${tries} tries)` };
}
