/** Validates a config and fills in its defaults. */
import { UserError } from "../base/user_error.ts";
import { faultTexts } from "./faults.ts";
import { withDeviceObject } from "./kinds.ts";
import { isPlain } from "./plain.ts";
import { withTodaysNames } from "./renamed.ts";
import { DEFAULT_KINDS, type RunConfig } from "./schema.ts";
import { schemaOf } from "./user/user_schema.ts";

/** The complete config of `input`. @throws {UserError} `config`, with every fault and its path. */
export function resolveConfig(input: unknown): RunConfig {
  const given = isPlain(input) ? withDeviceObject(input) : input;
  const result = schemaOf(given).safeParse(withKinds(given));
  if (result.success) return result.data;
  const faults = faultTexts(given, result.error.issues);
  throw new UserError("config", `Cannot use this config: ${faults.join("; ")}`);
}

/** As {@linkcode resolveConfig}, for the stored config of a run, whose keys may be renamed. */
export function resolveStored(stored: unknown): RunConfig {
  return resolveConfig(withTodaysNames(stored));
}

/** Sets the default kinds of model and optimizer: zod cannot choose the option of a union. */
function withKinds(input: unknown): unknown {
  if (!isPlain(input)) return input;
  return Object.entries(DEFAULT_KINDS).reduce((config, [name, kind]) => {
    const section = config[name];
    return isPlain(section) && section["kind"] === undefined
      ? { ...config, [name]: { ...section, kind } }
      : config;
  }, input);
}
