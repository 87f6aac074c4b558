/**
 * Entry of a run that reports permission requests on stderr: the coordinator's if the first
 * argument is "coordinator", else those of its workers. The rest is the command line of `train`.
 */
import { runCommand } from "../../../src/cli/command.ts";
import { trainCommand } from "../../../src/cli/train/train.ts";

const NAME = "DENO_AUDIT_PERMISSIONS";

const [who, ...args] = Deno.args;
// Deno has read it at the start of this process; workers inherit the present value.
if (who === "coordinator") Deno.env.delete(NAME);
else Deno.env.set(NAME, "/dev/stderr");
await runCommand(() => trainCommand(args));
