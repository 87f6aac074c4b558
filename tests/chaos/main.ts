/**
 * The task `chaos`: trains through random faults for some minutes and compares every run's end with
 * an undisturbed one. Exit code 1 on any difference.
 */
import { say, sayText } from "../../src/base/text/say.ts";
import { runCommand } from "../../src/cli/command.ts";
import { flagsHelp } from "../../src/cli/flags.ts";
import { endOnSignals } from "../../src/terminal/signals.ts";
import { CHAOS, parseArgs } from "./args.ts";
import { report } from "./report.ts";
import { gather } from "./gather.ts";

async function chaos(args: readonly string[]): Promise<void> {
  const options = parseArgs(args);
  if (options === "help") return sayText(flagsHelp(CHAOS));
  // Runs that a storm has started and their folder go with it.
  endOnSignals();
  say(`seed ${options.seed}: ${JSON.stringify(options)}`);
  const total = await gather(options, (line) => say(line));
  sayText(report(total));
  if (total.wrong.length > 0) Deno.exit(1);
}

if (import.meta.main) await runCommand(() => chaos(Deno.args));
