/**
 * Calls of functions that modules of the user define. A fault in one becomes one line that names the
 * function and the module.
 */
import { thrownLine } from "./text/thrown.ts";
import { type ExitName, UserError } from "./user_error.ts";

/** A function of the user that is called. */
export interface UserCall {
  /** What it is called for, as it completes `Cannot ...`: `trace the loss of model primer`. */
  readonly doing: string;
  /** Path of its module. */
  readonly module: string;
  /** Exit code of a fault; default: `config`. */
  readonly exit?: ExitName;
}

let heard: (call: UserCall) => void = () => {};

/** Calls `listener` before each function of the user, so also before one that never returns. */
export function onUserCall(listener: (call: UserCall) => void): void {
  heard = listener;
}

/**
 * The result of `work`, which calls a function of the user, if `check` accepts it.
 * @throws {UserError} `call.exit` for whatever `work` or `check` throws, and for a promise.
 */
export function callUser<T>(
  call: UserCall,
  work: () => T,
  check: (made: T) => void = () => {},
): T {
  heard(call);
  try {
    const made = work();
    requireResult(made);
    check(made);
    return made;
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(call.exit ?? "config", `${cannot(call)}: ${thrownLine(error)}`);
  }
}

/** The first part of an error text: `Cannot trace the loss of model primer (/primer.ts)`. */
export function cannot({ doing, module }: UserCall): string {
  return `Cannot ${doing} (${module})`;
}

/** Traces are synchronous: nothing would wait for a promise. */
function requireResult(made: unknown): void {
  if (!(made instanceof Promise)) return;
  made.catch(() => {}); // its error would end the process
  throw new TypeError("need its result, not a promise: it must not be async");
}
