/**
 * Entry of the process that runs code of the user for the first time, with the permission to read its
 * files alone: it imports modules, resolves a config and traces its plans. Its last line is the result.
 */
import "../mod.ts";
import { requirePlans } from "../src/artifacts/traceable.ts";
import { parseJsonText } from "../src/base/text/json.ts";
import { cannot, onUserCall } from "../src/base/user_calls.ts";
import { UserError } from "../src/base/user_error.ts";
import { resolveConfig } from "../src/config/resolve.ts";
import { withUserModules } from "../src/config/user/user_modules.ts";
import {
  CALLED,
  CHECKED,
  type ModuleOutcome,
  type TimedCheck,
} from "../src/modules/check_protocol.ts";
import { cannotUse, importReason, moduleError } from "../src/modules/import_module.ts";
import { watched } from "../src/modules/watched.ts";

/** The first line of stdin. The rest stays there: stdin closes when the parent ends. */
async function request(): Promise<TimedCheck> {
  const decoder = new TextDecoder();
  const bytes = new Uint8Array(2 ** 16);
  let text = "";
  while (!text.endsWith("\n")) {
    const length = await Deno.stdin.read(bytes);
    if (length === null) Deno.exit(1);
    text += decoder.decode(bytes.subarray(0, length), { stream: true });
  }
  return parseJsonText(text) as TimedCheck;
}

/** @throws {UserError} for a check that is not passed. */
async function check({ modules, wait, config, vocabulary }: TimedCheck): Promise<void> {
  for (const path of modules) {
    calling(cannotUse(path));
    const reason = await importReason(path, wait);
    if (reason !== undefined) throw moduleError(path, reason);
  }
  if (config === undefined) return;
  try {
    const resolved = resolveConfig(await withUserModules(config));
    if (vocabulary !== undefined) requirePlans(resolved, vocabulary);
  } catch (error) {
    // A config that is not complete yet may have faults: here only its functions had to end.
    if (!(error instanceof UserError) || vocabulary !== undefined) throw error;
  }
}

/** Tells what code of the user is called next, before it can block this process. */
function calling(what: string): void {
  console.log(`\n${CALLED}${JSON.stringify(what)}`);
}

async function outcomeOf(asked: TimedCheck): Promise<ModuleOutcome> {
  try {
    await check(asked);
    return {};
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { exit, message } = error;
    return { fault: { exit, message } };
  }
}

if (import.meta.main) {
  const asked = await request();
  await watched();
  onUserCall((call) => calling(cannot(call)));
  console.log("\n" + CHECKED + JSON.stringify(await outcomeOf(asked)));
  Deno.exit(0);
}
