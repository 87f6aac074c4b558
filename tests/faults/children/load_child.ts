/** Loads the newest checkpoint, and exits with the code of an error: `load_child.ts <root>`. */
import { EXIT, UserError } from "../../../src/base/user_error.ts";
import { loadNewest } from "../../../src/checkpoint/load.ts";

try {
  await loadNewest(Deno.args[0] ?? "", { onSkip: () => {} });
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  Deno.exit(EXIT[error.exit]);
}
