/** From a config as written to a complete one. Pure: knows no files. */
import { UserError } from "../base/user_error.ts";
import { faultTexts } from "./faults.ts";
import { isPlain } from "./plain.ts";
import { withTodaysNames } from "./renamed.ts";
import { type RunConfig, runSchema } from "./schema.ts";

/** The complete config of `input`, or one refusal that lists every fault by its path. */
export function resolveConfig(input: unknown): RunConfig {
  const result = runSchema.safeParse(withModelKind(input));
  if (result.success) return result.data;
  const faults = faultTexts(input, result.error.issues);
  throw new UserError("config", `Cannot use this config: ${faults.join("; ")}`);
}

/** The complete config that a run stored, perhaps by a version that had other names for its keys. */
export function resolveStored(stored: unknown): RunConfig {
  return resolveConfig(withTodaysNames(stored));
}

/** A union needs its discriminator, so the default model is named where only its sizes are given. */
function withModelKind(input: unknown): unknown {
  return isPlain(input) && isPlain(input.model) && input.model.kind === undefined
    ? { ...input, model: { ...input.model, kind: "gpt" } }
    : input;
}
