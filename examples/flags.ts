/** Command-line parsing of the examples' scripts. */
import * as z from "zod";
import type { ExitName } from "../src/base/user_error.ts";
import { UserError } from "../src/base/user_error.ts";
import { sayText } from "../src/base/text/say.ts";
import { runCommand } from "../src/cli/command.ts";
import { type Flags, flagsHelp, type FlagsSpec, parseFlags } from "../src/cli/flags.ts";

/** Runs a script that writes `documents` documents to the folder `out`. */
export function runMake(
  { name, about, documents }: { name: string; about: string; documents: number },
  make: (request: { out: string; documents: number }) => Promise<void>,
): Promise<never> {
  const out = `runs/${name}`;
  const flags = {
    out: z.string().min(1).default(out).meta({ value: "DIR" }).describe("Folder to write to"),
    documents: z.int().min(1).default(documents).describe("Documents to write"),
  };
  const usage =
    `deno run --allow-read --allow-write=${out} examples/${name}/make.ts [--flag=value]`;
  return run({ usage, about, flags }, ({ values: { out, documents } }) => make({ out, documents }));
}

/** Runs a script that scores the model at `path` with at most `prompts` prompts of each kind. */
export function runScore(
  { name, about, prompts }: { name: string; about: string; prompts: number },
  score: (request: { path: string; prompts: number }) => Promise<void>,
): Promise<never> {
  const flags = {
    prompts: z.int().min(1).default(prompts).describe("Most prompts of each kind"),
  };
  const usage =
    `deno run --allow-read --allow-env=DENO_WEBGPU_BACKEND examples/${name}/score.ts PATH [--prompts=N]`;
  return run({ usage, about, flags }, async ({ positionals, values }) => {
    const [path, ...more] = positionals;
    if (path === undefined || more.length > 0) {
      const actual = positionals.join(" ") || "none";
      throw new UserError("config", `Cannot score: need one path of a model: ${actual}`);
    }
    await score({ path, prompts: values["prompts"] });
  });
}

function run<S extends FlagsSpec>(
  spec: S,
  work: (flags: Flags<S>) => Promise<void>,
): Promise<never> {
  return runCommand(async (): Promise<ExitName> => {
    const flags = parseFlags(Deno.args, spec);
    if (flags.help) sayText(flagsHelp(spec));
    else await work(flags);
    return "done";
  });
}
