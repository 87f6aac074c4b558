/** Traces the plans of a config with modules of the user in a child process. */
import { hashValue } from "../../base/hash.ts";
import { checkInChild, type CheckOptions } from "../../modules/check_module.ts";
import { moduleFilesOf, modulesOf } from "./user_modules.ts";

/** Hashes of the configs, with their vocabulary, that have passed. */
const traceable = new Set<string>();

/**
 * Traces the plans of a resolved config in a child process, if modules of the user define parts of it.
 * The same config is traced once.
 * @throws {UserError} `config` for a function that fails or does not end in time.
 */
export async function checkUserPlans(
  config: object,
  vocabulary: number,
  options: CheckOptions = {},
): Promise<void> {
  const files = await moduleFilesOf(config);
  if (files.size === 0) return;
  const key = hashValue({ config, vocabulary });
  if (traceable.has(key)) return;
  const modules = modulesOf(config).map(({ path }) => path);
  const check = { modules, config, vocabulary };
  await checkInChild(check, { files: files.keys(), ...options });
  traceable.add(key);
}
