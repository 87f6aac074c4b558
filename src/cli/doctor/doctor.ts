/** The command `doctor`: what this machine is, what is wrong with it, and what mends it. */
import * as z from "zod";
import { EXIT, type ExitName, UserError } from "../../base/user_error.ts";
import { sayLines, sayText } from "../../base/text/say.ts";
import { runCommand } from "../command.ts";
import { gatherFacts } from "./gather.ts";
import { exitOf, judgeFacts } from "./judge.ts";
import { doctorLines } from "./lines.ts";
import { flagsHelp, type FlagsSpec, parseFlags } from "../flags.ts";
import { openStatus } from "../../terminal/status.ts";

/** The flags of `doctor`. */
export const DOCTOR = {
  usage: "deno task doctor [--flag=value | --flag value]...",
  about:
    "Looks at everything that a run depends on: cards and how workers are kept on them, the adapter,\n" +
    "its features, limits, speeds and numbers, sockets, disk, permissions. Says what is wrong and\n" +
    "what mends it. Ends with 0 where a run would work, else with that run's exit code.",
  examples: [
    "deno task doctor",
    "deno task doctor --out=/scratch/runs --json",
  ],
  flags: {
    out: z.string().min(1).default("runs").meta({ value: "DIR" }).describe(
      "Folder that runs would be written to",
    ),
    json: z.boolean().default(false).describe("Print one JSON object instead"),
  },
} satisfies FlagsSpec;

/** Runs `doctor` with command-line arguments. */
export async function doctorCommand(args: readonly string[]): Promise<ExitName> {
  const { positionals, values, help } = parseFlags(args, DOCTOR);
  if (help) {
    sayText(flagsHelp(DOCTOR));
    return "done";
  }
  if (positionals.length > 0) {
    throw new UserError(
      "config",
      `Cannot read the command line: need flags: ${positionals.join(" ")}`,
    );
  }
  using status = openStatus();
  const facts = await gatherFacts(values["out"], (what) => status.show(what));
  status.end();
  const findings = judgeFacts(facts);
  const exit = exitOf(findings);
  sayLines(
    values["json"]
      ? [JSON.stringify({ facts, findings, exit: EXIT[exit] })]
      : doctorLines(facts, findings),
  );
  return exit;
}

if (import.meta.main) await runCommand(() => doctorCommand(Deno.args));
