/** Parses the command line of `generate`. Reads no file. */
import type { DeviceKind } from "../../base/device_kinds.ts";
import * as z from "zod";
import { unescaped } from "../../data/document_end.ts";
import { UserError } from "../../base/user_error.ts";
import type { Sampling } from "../../generate/draw.ts";
import type { OpenedModel } from "../../artifacts/model.ts";
import { modelOf } from "../../models/mod.ts";
import { type FlagsSpec, parseFlags } from "../flags.ts";
import { DEVICE, onlyPath, WHICH } from "../model_flags.ts";

/** The flags of `generate`. */
export const GENERATE = {
  usage: "deno task generate PATH [--flag=value | --flag value]...",
  about:
    "Continues a text with the model at PATH: a run, one of its checkpoints, or an exported\n" +
    "folder. The prompt is printed first, then the text as it is drawn. The same seed gives the\n" +
    "same text. Without a prompt, text that is piped in is one; it is taken as it is, a line feed\n" +
    "at its end included. A model of pairs writes the target of each line of the prompt.",
  examples: [
    'deno task generate runs/gpt_char --prompt="Call me"',
    "deno task generate runs/gpt_char --num=3 --tokens=400 --temperature=1",
    'echo "Once" | deno task generate runs/gpt_char',
  ],
  flags: {
    prompt: z.string().optional().describe("Text to go on from; - reads it from stdin"),
    "prompt-file": z.string().min(1).optional().meta({ value: "FILE" }).describe(
      "File that holds it; - is stdin",
    ),
    tokens: z.int().min(1).default(200).describe("Most tokens to draw"),
    temperature: z.number().min(0).default(0.8).meta({ value: "T" }).describe(
      "Logits are divided by it; 0 takes the likeliest token each time",
    ),
    "top-k": z.int().min(0).default(0).meta({ value: "K" }).describe(
      "Draw from the K likeliest tokens only; 0 is all",
    ),
    "top-p": z.number().gt(0).max(1).default(1).meta({ value: "P" }).describe(
      "Draw from the likeliest tokens that hold P of the probability",
    ),
    "repetition-penalty": z.number().min(0.01).max(100).default(1).meta({ value: "R" }).describe(
      "Divide the logits of tokens that were there before; 1 leaves them",
    ),
    beams: z.int().min(1).max(64).default(1).describe(
      "Of a model that writes targets: texts that a search continues side by side; 1 takes the " +
        "likeliest token each time",
    ),
    "length-penalty": z.number().min(-8).max(8).default(1).meta({ value: "A" }).describe(
      "Of a search: scores are divided by length ** A, so that above 0 long targets are favoured",
    ),
    stop: z.array(z.string().min(1)).default([]).describe(
      "End before this text, in which \\n, \\r, \\t and \\\\ are one character each; may be repeated",
    ),
    seed: z.int().min(0).default(1337).describe("Root of the random numbers"),
    num: z.int().min(1).default(1).describe("Texts to draw"),
    logprobs: z.boolean().default(false).describe(
      "Print a line for each token instead of the text: token, id, log-probability",
    ),
    which: WHICH,
    device: DEVICE,
  },
} satisfies FlagsSpec;

/** The source of the prompt; `none` where no flag gives one. */
export type PromptFrom =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "stdin" | "none" };

/** A call of `generate`. */
export interface GenerateRequest {
  /** Folder of the model. */
  readonly path: string;
  readonly prompt: PromptFrom;
  readonly tokens: number;
  readonly sampling: Sampling;
  readonly search: { readonly beams: number; readonly lengthPenalty: number };
  readonly stops: readonly string[];
  readonly seed: number;
  readonly num: number;
  readonly logprobs: boolean;
  readonly which: "newest" | "best";
  readonly device: DeviceKind;
}

/** Reads a command line. @throws {UserError} `config`. */
export function parseGenerate(args: readonly string[]): GenerateRequest | "help" {
  const { positionals, values, help } = parseFlags(args, GENERATE);
  if (help) return "help";
  return {
    path: onlyPath(positionals, 'deno task generate runs/a --prompt="Once"'),
    prompt: promptFrom(values["prompt"], values["prompt-file"]),
    tokens: values["tokens"],
    sampling: {
      temperature: values["temperature"],
      topK: values["top-k"],
      topP: values["top-p"],
      penalty: values["repetition-penalty"],
    },
    search: { beams: values["beams"], lengthPenalty: values["length-penalty"] },
    stops: values["stop"].map(unescaped),
    seed: values["seed"],
    num: values["num"],
    logprobs: values["logprobs"],
    which: values["which"],
    device: values["device"],
  };
}

/** The notice for a text that is longer than the model's context; recurrent models have none. */
export function slideNote(
  { tokens }: Pick<GenerateRequest, "tokens">,
  { prompt, model: { model, context } }: {
    readonly prompt: number;
    readonly model: Pick<OpenedModel, "model" | "context">;
  },
): string | undefined {
  // The last token is drawn, and not read.
  const generation = modelOf(model).generates?.(model);
  const hasWindow = typeof generation === "object" && generation.memory === "window";
  if (!hasWindow || prompt + tokens - 1 <= context) return undefined;
  // A text may end before it has all of its tokens.
  const verb = prompt > context ? "is" : "may become";
  return `The text ${verb} longer than the context of ${context} tokens: its window slides`;
}

/** The source of a prompt. @throws {UserError} `config` for two of them. */
export function promptFrom(text: string | undefined, path: string | undefined): PromptFrom {
  if (text !== undefined && path !== undefined) {
    throw new UserError(
      "config",
      "Cannot take a prompt: need --prompt or --prompt-file: both are given",
    );
  }
  if (text === "-" || path === "-") return { kind: "stdin" };
  if (text !== undefined) return { kind: "text", text };
  return path === undefined ? { kind: "none" } : { kind: "file", path };
}
