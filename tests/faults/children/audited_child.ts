/**
 * Entry of a run that tells on stderr what permissions are asked for: the coordinator's when the first
 * argument is "coordinator", else those of its workers. The rest is the command line of `train`.
 */
import { runCommand } from "../../../src/cli/command.ts";
import { trainCommand } from "../../../src/cli/train/train.ts";

const NAME = "DENO_AUDIT_PERMISSIONS";

const [who, ...args] = Deno.args;
// Deno has read it for this process when it started; workers get what stands there now.
if (who === "coordinator") Deno.env.delete(NAME);
else Deno.env.set(NAME, "/dev/stderr");
await runCommand(() => trainCommand(args));
