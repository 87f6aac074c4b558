/** Parses the command line of `attention`. Reads no file. */
import * as z from "zod";
import type { DeviceKind } from "../../base/device_kinds.ts";
import { UserError } from "../../base/user_error.ts";
import { type PromptFrom, promptFrom } from "../generate/request.ts";
import { type FlagsSpec, parseFlags } from "../flags.ts";
import { DEVICE, onlyPath, WHICH } from "../model_flags.ts";

/** The flags of `attention`. */
export const ATTENTION = {
  usage: 'deno task attention PATH --prompt="The whale" [--flag=value]...',
  about:
    "Shows what the attention of the model at PATH gives each token of a prompt, by layer and head:\n" +
    "attention.json, as other tools take it, and attention.html, a page that needs no network.\n" +
    "A hidden token of an encoder is [MASK]. Tokens of a made-up source are words, as Anna the ?.",
  examples: [
    'deno task attention runs/gpt_char --prompt="Call me Ishmael"',
    "deno task attention runs/recall_gpt --prompt-file=examples/recall.txt --out=recall",
  ],
  flags: {
    prompt: z.string().optional().describe("Text to read; - reads it from stdin"),
    "prompt-file": z.string().min(1).optional().meta({ value: "FILE" }).describe(
      "File that holds it; - is stdin",
    ),
    out: z.string().min(1).optional().meta({ value: "DIR" }).describe(
      "Folder to write; default: RUN-attention",
    ),
    which: WHICH,
    device: DEVICE,
  },
} satisfies FlagsSpec;

/** A call of `attention`. */
export interface AttentionRequest {
  /** Folder of the model. */
  readonly path: string;
  readonly prompt: PromptFrom;
  readonly out: string | undefined;
  readonly which: "newest" | "best";
  readonly device: DeviceKind;
}

/** Reads a command line. @throws {UserError} `config`. */
export function parseAttention(args: readonly string[]): AttentionRequest | "help" {
  const { positionals, values, help } = parseFlags(args, ATTENTION);
  if (help) return "help";
  const path = onlyPath(positionals, 'deno task attention runs/a --prompt="Once"');
  const prompt = promptFrom(values["prompt"], values["prompt-file"]);
  if (prompt.kind === "none") {
    throw new UserError(
      "config",
      "Cannot show attention: need --prompt or --prompt-file: none given",
    );
  }
  const { out, which, device } = values;
  return { path, prompt, out, which, device };
}
