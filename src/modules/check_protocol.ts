/** What a process and the child that checks modules of the user tell each other, in lines of JSON. */
import type { ExitName } from "../base/user_error.ts";

/** What to check, a line on stdin. */
export interface ModuleCheck {
  /** Modules to import, by absolute path. */
  readonly modules: readonly string[];
  /** A config that names them, which is resolved: its functions may not run for ever. */
  readonly config?: object;
  /** Distinct tokens of the texts, 0 without: the plans of the config must be traceable. */
  readonly vocabulary?: number;
}

/** The check as the child gets it. */
export interface TimedCheck extends ModuleCheck {
  /** Time limit in ms for a module that waits while it is imported. */
  readonly wait: number;
}

/** The result, the last line on stdout. */
export interface ModuleOutcome {
  /** The error of a check that is not passed. */
  readonly fault?: { readonly exit: ExitName; readonly message: string };
}

/** Prefix of the line with the result. */
export const CHECKED = "shoal-module ";
/** Prefix of the line before each call of the user's code: the first part of an error text. */
export const CALLED = "shoal-call ";
