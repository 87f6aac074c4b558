/** Decides which failures of workers end the run, and which cost only the worker. */
import { EXIT, type ExitName, UserError } from "../../src/base/user_error.ts";
import type { Membership } from "../../src/membership/types.ts";
import type { Reply } from "../protocol/messages.ts";

/** Exits after which another worker may succeed. */
const CURABLE: readonly string[] = ["bug", "lost", "deviceLost"];

/** What follows a worker's `failed` reply. */
export interface FailureDecision {
  /** Ends the run. */
  readonly error?: Error | undefined;
  /** Why the worker is lost; undefined when the run ends without accounting for it. */
  readonly why?: string;
}

/** Whether a worker has no part in the state while others hold it: the run can go on without it. */
export function isSpare({ members }: Membership, id: number): boolean {
  return members.some((m) => m.holds && m.id !== id) &&
    !members.some((m) => m.holds && m.id === id);
}

/** The causes of failures since the last committed step. */
export class Failures {
  readonly #causes = new Set<string>();

  /** A step was committed: earlier causes may be over. */
  clear(): void {
    this.#causes.clear();
  }

  /** `error` if its cause repeats: what happens twice without a committed step will happen again. */
  repeated(error: Error, cause: string): Error | undefined {
    const isKnown = this.#causes.has(cause);
    this.#causes.add(cause);
    return isKnown ? error : undefined;
  }

  /** The decision on a `failed` reply. */
  decide(
    state: Membership,
    { id, exit, message }:
      & { readonly id: number }
      & Pick<
        Reply & { type: "failed" },
        "exit" | "message"
      >,
  ): FailureDecision {
    const [why = ""] = message.split("\n");
    if (isSpare(state, id)) return { why };
    const isCurable = CURABLE.includes(exit) || (exit === "noDevice" && state.attempt > 0);
    if (Object.hasOwn(EXIT, exit) && !isCurable) {
      return { error: new UserError(exit as ExitName, message) };
    }
    if (exit === "noDevice") return { why };
    return { error: this.repeated(new Error(`Worker ${id} failed: ${message}`), why), why };
  }
}
