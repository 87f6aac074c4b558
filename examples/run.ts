/** The task `example`: prints and runs the commands of an example's README. */
import * as z from "zod";
import { resolve } from "node:path";
import { type ExitName, UserError } from "../src/base/user_error.ts";
import { atUnload } from "../src/base/unload.ts";
import { say, sayText } from "../src/base/text/say.ts";
import { runCommand } from "../src/cli/command.ts";
import { CHECKOUT } from "../src/cli/folder.ts";
import { flagsHelp, type FlagsSpec, parseFlags } from "../src/cli/flags.ts";
import { INTERRUPTED, stopOnSignals, type Stopping } from "../src/terminal/signals.ts";
import { changed, commandsOf, nameIn, shown, wordsOf } from "./commands.ts";

const NAMES = ["completion", "questions", "correction"];

const EXAMPLE = {
  usage: `deno task example ${NAMES.join("|")} [--flag=value]...`,
  about:
    "Runs the commands at the beginning of examples/NAME/README.md one after the other, and prints\n" +
    "each before it does. Ends where one fails.",
  examples: [
    "deno task example completion --quick",
    "deno task example questions --out=runs/mine",
  ],
  flags: {
    out: z.string().min(1).optional().meta({ value: "DIR" }).describe(
      "Write to this folder, not to runs/NAME",
    ),
    quick: z.boolean().default(false).describe(
      "A few steps and a few prompts: to see that all of it runs, not to learn",
    ),
  },
} satisfies FlagsSpec;

/** Runs `example` with command-line arguments. */
async function exampleCommand(args: readonly string[]): Promise<ExitName> {
  const { positionals, values, help } = parseFlags(args, EXAMPLE);
  if (help) {
    sayText(flagsHelp(EXAMPLE));
    return "done";
  }
  const name = nameIn(NAMES, positionals);
  const out = inCallersFolder(values["out"] ?? `runs/${name}`);
  if (out.includes(",")) {
    // Deno splits the list of --allow-write at commas and has no way to escape one.
    throw new UserError("config", `Cannot run an example in ${out}: need a path without a comma`);
  }
  const readme = await Deno.readTextFile(new URL(`${name}/README.md`, import.meta.url));
  const stopping = stopOnSignals();
  for (const command of commandsOf(readme)) {
    const words = changed(wordsOf(command), { name, out, quick: values["quick"] });
    say(`$ ${shown(words)}`);
    const code = await run(words, stopping);
    if (stopping.stop.aborted) Deno.exit(INTERRUPTED);
    if (code !== 0) Deno.exit(code);
  }
  return "done";
}

/** A path relative to the caller's folder, for commands in the checkout. */
function inCallersFolder(path: string): string {
  const caller = Deno.env.get("INIT_CWD") || CHECKOUT;
  return caller === CHECKOUT ? path : resolve(caller, path);
}

/**
 * Runs a Deno command in the checkout; returns its exit code. Forwards signals, because `kill`
 * sends them only to this process. A terminal sends them to both; the command counts them once.
 */
async function run([, ...args]: readonly string[], stopping: Stopping): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: CHECKOUT,
    env: { INIT_CWD: CHECKOUT },
    stdin: "null",
  }).spawn();
  const pass = () => {
    try {
      child.kill(stopping.signal ?? "SIGTERM");
    } catch {
      // It has just ended.
    }
  };
  stopping.stop.addEventListener("abort", pass, { once: true });
  using _unload = atUnload(pass);
  try {
    return (await child.status).code;
  } finally {
    stopping.stop.removeEventListener("abort", pass);
  }
}

// The commands name files of the checkout, so they run there.
if (import.meta.main) await runCommand(() => exampleCommand(Deno.args), { enter: () => {} });
