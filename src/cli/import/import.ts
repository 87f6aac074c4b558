/** The command `import`: turns a model in Hugging Face's layout into a run at step 0. */
import * as z from "zod";
import { basename, join, resolve } from "node:path";
import { UserError } from "../../base/user_error.ts";
import { say, sayText } from "../../base/text/say.ts";
import { writeImported } from "../../artifacts/imported.ts";
import { openModel } from "../../artifacts/model.ts";
import { runCommand } from "../command.ts";
import { flagsHelp, type FlagsSpec, parseFlags } from "../flags.ts";
import { onlyPath } from "../model_flags.ts";
import { printsReport } from "../../terminal/output.ts";
import { openStatus } from "../../terminal/status.ts";

/** The flags of `import`. */
export const IMPORT = {
  usage: "deno task import DIR [--out=RUN]",
  about: "Takes a model in Hugging Face's layout (GPT-2, Llama, Mistral, Qwen3: config.json,\n" +
    "model.safetensors in one file or several, a tokenizer), or one that export wrote, and makes a\n" +
    "run of it at step 0: to generate from, and to begin training at.",
  examples: [
    "deno task import path/to/gpt2",
    "deno task import path/to/gpt2 --out=runs/gpt2",
  ],
  flags: {
    out: z.string().min(1).optional().meta({ value: "RUN" }).describe(
      "Folder of the run; default: runs/NAME",
    ),
    context: z.int().min(1).optional().describe(
      "Most tokens of a window; default: what config.json says",
    ),
    name: z.string().min(1).optional().describe("Name of the run; default: that of its folder"),
  },
} satisfies FlagsSpec;

/** Runs `import` with command-line arguments. @throws {UserError} */
export async function importCommand(args: readonly string[]): Promise<void> {
  const { positionals, values, help } = parseFlags(args, IMPORT);
  if (help) return sayText(flagsHelp(IMPORT));
  const path = onlyPath(positionals, "deno task import DIR");
  using status = openStatus();
  status.show(`reading ${path}`);
  const found = await openModel(path, { warn: (text) => status.print(text) });
  const opened = { ...found, context: values["context"] ?? found.context };
  if (opened.kind !== "export") {
    throw new UserError("config", `Cannot import ${path}: need an exported model: it is a run's`);
  }
  const out: string = values["out"] ?? join("runs", basename(resolve(path)));
  status.show(`writing ${out}`);
  const config = await writeImported(out, { opened, name: values["name"] ?? nameOf(out) });
  status.end();
  printsReport();
  const count = [...opened.params.values()].reduce((sum, { data }) => sum + data.length, 0);
  say(
    `${config.name}: ${count} parameters, ${opened.vocabulary} tokens, ${opened.context} at once`,
  );
  if (opened.tokenizer === undefined) say("No tokenizer came with it");
  for (const note of opened.notes ?? []) say(note);
  say(`Everything lies in ${out}: train on with --init=${out}`);
}

/** A folder's name as far as a run may be called so. */
function nameOf(out: string): string {
  return basename(resolve(out)).replaceAll(/[^A-Za-z0-9._-]/g, "_").replace(/^\./, "_");
}

if (import.meta.main) await runCommand(() => importCommand(Deno.args));
