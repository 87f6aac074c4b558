/** Tries to lock a folder, and exits as a command does: `lock_try_child.ts <folder>`. */
import { EXIT, UserError } from "../../../src/base/user_error.ts";
import { lockRun } from "../../../src/checkpoint/lock/lock.ts";

try {
  using _lock = await lockRun(Deno.args[0] ?? "");
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(`error: ${error.message}`);
  Deno.exit(EXIT[error.exit]);
}
