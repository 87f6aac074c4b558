/** Flags and words that commands about one model share. */
import { DEVICE_KINDS } from "../base/device_kinds.ts";
import * as z from "zod";
import { UserError } from "../base/user_error.ts";
import { deviceElsewhere } from "../config/elsewhere.ts";

/** Which checkpoint of a run. */
export const WHICH = z.enum(["newest", "best"]).default("newest").describe(
  "Checkpoint of a run: the newest, or that of the lowest validation loss",
);

/** Where a model computes. */
export const DEVICE = z.enum(DEVICE_KINDS).default("auto").meta({
  meant: deviceElsewhere,
}).describe("Where kernels run; reference is plain loops and slow");

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
