/** How every command ends: one line and an exit code for what a user can mend, a stack for bugs. */
import { EXIT, Refusal } from "../base/refusal.ts";

/** Runs a command and ends the process. */
export async function runCommand(command: () => Promise<void>): Promise<never> {
  try {
    await command();
  } catch (error) {
    if (error instanceof Refusal) {
      console.error(`error: ${error.message}`);
      Deno.exit(EXIT[error.exit]);
    }
    console.error(error);
    Deno.exit(EXIT.bug);
  }
  Deno.exit(EXIT.done);
}
