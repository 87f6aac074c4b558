/**
 * The one error that a command turns into a single line on stderr and an exit code.
 * Everything else that escapes is a bug and keeps its stack.
 */

/** Exit codes, after sysexits.h where one fits. */
export const EXIT = {
  done: 0,
  config: 64,
  data: 65,
  noInput: 66,
  noDevice: 69,
  bug: 70,
  deviceLost: 71,
  tooLarge: 72,
  locked: 73,
  lost: 74,
  requeue: 75,
  numerical: 76,
  authentication: 77,
  incompatible: 78,
  incomplete: 79,
} as const;

/** Name of an exit code. */
export type ExitName = keyof typeof EXIT;

/** Whether an error reports that another process took over this one's lock. */
export function isLockLost(error: unknown): boolean {
  return error instanceof UserError && error.exit === "locked";
}

/** A failure that the user can fix. */
export class UserError extends Error {
  /** Name of the exit code that the process ends with. */
  readonly exit: ExitName;
  /** Further lines below the message. */
  readonly details: readonly string[];

  /** An error with its exit code, its one-line message, and further lines. */
  constructor(exit: ExitName, message: string, details: readonly string[] = []) {
    super(message);
    this.name = "UserError";
    this.exit = exit;
    this.details = details;
  }
}
