/** Loads each argument as a config; prints as JSON, by path, the value or the error. */
import { UserError } from "../../../src/base/user_error.ts";
import { loadConfig } from "../../../src/config/load.ts";

const ends: Record<string, unknown> = {};
for (const path of Deno.args) {
  try {
    ends[path] = await loadConfig(path);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    ends[path] = error.message;
  }
}
console.log(JSON.stringify(ends));
