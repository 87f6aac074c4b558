/** Parses the command line of `fill`. Reads no file. */
import * as z from "zod";
import type { DeviceKind } from "../../base/device_kinds.ts";
import { UserError } from "../../base/user_error.ts";
import { MASK_TOKEN } from "../../data/tokenizers/special/special.ts";
import { type FlagsSpec, parseFlags } from "../flags.ts";
import { DEVICE, onlyPath, WHICH } from "../model_flags.ts";

/** The flags of `fill`. */
export const FILL = {
  usage: 'deno task fill PATH --text="The [MASK] sails"',
  about:
    "Tells the hidden tokens of a text with the encoder at PATH, which was trained on masked text:\n" +
    "the likeliest tokens at each place, and the text with the likeliest of all. A hidden word of\n" +
    "several tokens, as of characters, takes a [MASK] for each.",
  examples: [
    'deno task fill runs/masked_char --text="The wh[MASK]le swims"',
    'deno task fill runs/masked_char --text="t[MASK]e s[MASK]a" --top=3 --json',
  ],
  flags: {
    text: z.string().min(1).optional().describe(`Text with ${MASK_TOKEN} where tokens are hidden`),
    top: z.int().min(1).default(5).describe("Tokens to tell at each place"),
    which: WHICH,
    device: DEVICE,
    json: z.boolean().default(false).describe("Print one JSON object instead"),
  },
} satisfies FlagsSpec;

/** A call of `fill`. */
export interface FillRequest {
  /** Folder of the model. */
  readonly path: string;
  /** The text, with a mask at least. */
  readonly text: string;
  readonly top: number;
  readonly which: "newest" | "best";
  readonly device: DeviceKind;
  readonly json: boolean;
}

/** Reads a command line. @throws {UserError} `config`. */
export function parseFill(args: readonly string[]): FillRequest | "help" {
  const { positionals, values, help } = parseFlags(args, FILL);
  if (help) return "help";
  const path = onlyPath(positionals, 'deno task fill runs/a --text="The [MASK] sails"');
  const text: string = values["text"] ?? "";
  if (!text.includes(MASK_TOKEN)) {
    throw new UserError(
      "config",
      `Cannot fill a text: need --text with ${MASK_TOKEN} where tokens are hidden: ` +
        (JSON.stringify(text)),
    );
  }
  const { top, which, device, json } = values;
  return { path, text, top, which, device, json };
}
