/** The task `example`: runs the commands of an example's README, and prints each before it does. */
import type { ExitName } from "../src/base/refusal.ts";
import { atUnload } from "../src/base/unload.ts";
import { runCommand } from "../src/cli/command.ts";
import { flagsHelp, type FlagsSpec, parseFlags } from "../src/cli/flags.ts";
import { INTERRUPTED, stopOnSignals, type Stopping } from "../src/cli/signals.ts";
import { changed, commandsOf, nameIn, shown, wordsOf } from "./commands.ts";

const NAMES = ["completion", "questions", "correction"];

const EXAMPLE: FlagsSpec = {
  usage: `deno task example ${NAMES.join("|")} [--flag=value]...`,
  about:
    "Runs the commands at the beginning of examples/NAME/README.md one after the other, and prints\n" +
    "each before it does. Ends where one fails.",
  flags: [
    { name: "out", kind: "text", value: "DIR", help: "Write to this folder, not to runs/NAME" },
    {
      name: "quick",
      kind: "boolean",
      help: "A few steps and a few prompts: to see that all of it runs, not to learn",
      default: false,
    },
  ],
};

/** Runs `example` with command-line arguments. */
async function exampleCommand(args: readonly string[]): Promise<ExitName> {
  const { positionals, values, help } = parseFlags(args, EXAMPLE);
  if (help) {
    console.log(flagsHelp(EXAMPLE));
    return "done";
  }
  const name = nameIn(NAMES, positionals);
  const readme = await Deno.readTextFile(new URL(`${name}/README.md`, import.meta.url));
  const stopping = stopOnSignals();
  for (const command of commandsOf(readme)) {
    const words = changed(wordsOf(command), { name, out: values["out"], quick: values["quick"] });
    console.log(`$ ${shown(words)}`);
    const code = await run(words, stopping);
    if (stopping.stop.aborted) Deno.exit(INTERRUPTED);
    if (code !== 0) Deno.exit(code);
  }
  return "done";
}

/**
 * Runs a command of Deno with our terminal; gives its exit code. Signals are passed on: a terminal
 * sends them to the command as well, which counts both as one, but `kill` sends them here alone.
 */
async function run([, ...args]: readonly string[], stopping: Stopping): Promise<number> {
  const cwd = new URL("..", import.meta.url);
  const child = new Deno.Command(Deno.execPath(), { args: [...args], cwd, stdin: "null" }).spawn();
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

if (import.meta.main) await runCommand(() => exampleCommand(Deno.args));
