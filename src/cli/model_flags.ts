/** Flags and words that commands about one model share. */
import { UserError } from "../base/user_error.ts";
import { deviceElsewhere } from "../config/elsewhere.ts";
import type { FlagSpec } from "./flags.ts";

/** Which checkpoint of a run. */
export const WHICH: FlagSpec = {
  name: "which",
  kind: "text",
  help: "Checkpoint of a run: the newest, or that of the lowest validation loss",
  choices: ["newest", "best"],
  default: "newest",
};

/** Where a model computes. */
export const DEVICE: FlagSpec = {
  name: "device",
  kind: "text",
  help: "Where kernels run; reference is plain loops and slow",
  choices: ["auto", "webgpu", "reference"],
  meant: deviceElsewhere,
  default: "auto",
};

/** The one word of a command line beside its flags. @throws {UserError} `config` for none or more. */
export function onlyPath(words: readonly string[], usage: string): string {
  const [path, ...more] = words;
  if (path !== undefined && path !== "" && more.length === 0) return path;
  throw new UserError(
    "config",
    `Cannot read the command line: need one path of a model, as in ${usage}: got ` +
      (words.join(" ") || "none"),
  );
}
