/** How every command ends: one line and an exit code for what a user can mend, a stack for bugs. */
import { EXIT, Refusal } from "../base/refusal.ts";
import type { ExitName } from "../base/refusal.ts";
import { enterCallersFolder } from "./folder.ts";

/** Runs a command in its caller's folder, and ends the process, done or as the command says. */
export async function runCommand(
  command: () => Promise<ExitName | void>,
  { enter = enterCallersFolder }: { readonly enter?: () => void } = {},
): Promise<never> {
  let exit: ExitName = "done";
  try {
    enter();
    exit = await command() ?? "done";
  } catch (error) {
    if (error instanceof Refusal) {
      console.error(`error: ${error.message}`);
      Deno.exit(EXIT[error.exit]);
    }
    console.error(error);
    Deno.exit(EXIT.bug);
  }
  Deno.exit(EXIT[exit]);
}
