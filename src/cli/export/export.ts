/** The command `export`: writes the model of a run in the layout of another library. */
import * as z from "zod";
import { say, sayText } from "../../base/text/say.ts";
import { basename, dirname, resolve } from "node:path";
import { exportLayoutOf } from "../../artifacts/exchange.ts";
import { writeExported } from "../../artifacts/exported.ts";
import { type OpenedModel, openModel } from "../../artifacts/model.ts";
import { runCommand } from "../command.ts";
import { flagsHelp, type FlagsSpec, parseFlags } from "../flags.ts";
import { onlyPath, WHICH } from "../model_flags.ts";
import { printsReport } from "../../terminal/output.ts";
import { openStatus } from "../../terminal/status.ts";

/** The flags of `export`. */
export const EXPORT = {
  usage: "deno task export PATH [--flag=value]...",
  about: "Writes the model of a run, or of one checkpoint, to a folder that others load: a\n" +
    "transformer in the layout of its class in transformers (GPT-2, Llama and others), a\n" +
    "recurrent network as safetensors with PyTorch's names and a model.py that loads them. The\n" +
    "tokenizer goes with it.",
  examples: [
    "deno task export runs/gpt_char",
    "deno task export runs/gpt_char --which=best --out=exported",
    "deno task export runs/llama_char --dtype=bf16 --shard-mb=500",
  ],
  flags: {
    format: z.enum(["hf"]).default("hf").describe("Layout"),
    out: z.string().min(1).optional().meta({ value: "DIR" }).describe(
      "Folder to write; default: RUN-hf",
    ),
    dtype: z.enum(["f32", "f16", "bf16"]).default("f32").describe("Type of the weights"),
    "shard-mb": z.number().gt(0).optional().describe(
      "Most megabytes of weights in a file; default: all in one",
    ),
    which: WHICH,
  },
} satisfies FlagsSpec;

/** Runs `export` with command-line arguments. @throws {UserError} */
export async function exportCommand(args: readonly string[]): Promise<void> {
  const { positionals, values, help } = parseFlags(args, EXPORT);
  if (help) return sayText(flagsHelp(EXPORT));
  const path = onlyPath(positionals, "deno task export runs/a");
  using status = openStatus();
  status.show(`reading ${path}`);
  const warn = (text: string) => status.print(text);
  const opened = await openModel(path, { which: values["which"], warn });
  const out = values["out"] ?? defaultOut(path, opened);
  status.show(`writing ${out}`);
  const megabytes: number | undefined = values["shard-mb"];
  await writeExported(out, opened, {
    type: values["dtype"],
    shardBytes: megabytes === undefined ? undefined : megabytes * 1e6,
  });
  status.end();
  printsReport();
  say(lineOf(opened));
  for (const note of exportLayoutOf(opened.model).notes?.(opened.model) ?? []) say(note);
  if (opened.tokenizer === undefined) say("It has no tokenizer: none was written");
  say(`Everything lies in ${out}`);
}

/** Beside the run. */
function defaultOut(path: string, { kind }: OpenedModel): string {
  const whole = resolve(path);
  return `${kind === "checkpoint" ? dirname(dirname(whole)) : whole}-hf`;
}

function lineOf({ path, step, model, params }: OpenedModel): string {
  const count = [...params.values()].reduce((sum, { data }) => sum + data.length, 0);
  return `${basename(path)}: ${count} parameters${step === undefined ? "" : ` of step ${step}`} ` +
    `as ${exportLayoutOf(model).name(model)}`;
}

if (import.meta.main) await runCommand(() => exportCommand(Deno.args));
