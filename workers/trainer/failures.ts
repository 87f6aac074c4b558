/** Turns a worker's errors into replies. Pure. */
import { fileFault } from "../../src/base/file_fault.ts";
import { type EXIT, UserError } from "../../src/base/user_error.ts";
import { ReduceError } from "../../src/reduce/exchange.ts";
import { ChannelError } from "../../src/transport/channel.ts";
import type { Reply } from "../protocol/messages.ts";

/** The reply for an error that ends the worker. */
export function failureReply(caught: unknown): Reply & { type: "failed" } {
  const error = fileFault(caught);
  if (error instanceof UserError) {
    return { type: "failed", exit: error.exit, message: error.message };
  }
  const message = error instanceof Error ? error.stack ?? error.message : String(error);
  const exit: keyof typeof EXIT = "bug";
  return { type: "failed", exit, message };
}

/**
 * The reply for an error that ends a quorum and leaves the state intact; undefined for any other
 * error. `hasMet`: the worker has been in a quorum, so it has a state.
 */
export function interruptionReply(error: unknown, hasMet: boolean): Reply | undefined {
  if (error instanceof ReduceError || error instanceof ChannelError) {
    return { type: "broken", message: error.message };
  }
  const fault = dataFault(error);
  if (fault === undefined || !hasMet) return undefined;
  return { type: "unreadable", exit: fault.exit, message: fault.message };
}

/** The error of tokens that are damaged or cannot be read; undefined for any other error. */
function dataFault(error: unknown): UserError | undefined {
  if (error instanceof UserError) return error.exit === "data" ? error : undefined;
  const fault = fileFault(error);
  return fault instanceof UserError ? fault : undefined;
}
