/** What a command line asks `prepare` for. Reads no file. */
import * as z from "zod";
import { UserError } from "../../base/user_error.ts";
import { MAX_UNKNOWN } from "../../data/unknown.ts";
import type { PrepareRequest } from "../../prepare/prepare.ts";
import { type FlagsSpec, parseFlags } from "../flags.ts";

/** The flags of `prepare`. */
export const PREPARE = {
  usage: "deno task prepare FILE... --out=DIR [--flag=value | --flag value]...",
  about:
    "Turns text files into a folder of token shards to train on: .txt, .jsonl or .ndjson with a text\n" +
    "in each line, or .json with an array of such, as they are or gzipped; files, folders, patterns in\n" +
    "quotes, pipes, and - for stdin. Stopped or killed, the same command goes on where it was. With\n" +
    "--check=DIR it verifies every block of such a folder.",
  examples: [
    "deno task prepare my.txt --out=data/my",
    "deno task prepare texts/ --out=data/texts --tokenizer=bpe:4096",
    "deno task prepare --check=data/my",
  ],
  flags: {
    out: z.string().min(1).optional().meta({ value: "DIR" }).describe(
      "Folder that the tokens are written to",
    ),
    tokenizer: z.string().min(1).default("char").meta({ value: "NAME" }).describe(
      "What a token is: char, byte, word, word:N, gpt2, bpe:N, or the path of a tokenizer.json",
    ),
    validation: z.number().min(0).lt(1).default(0.1).describe(
      "Part kept for evaluation: of a text file its end, of others documents by their hash",
    ),
    field: z.string().min(1).optional().describe(
      'Key of the text in each record of JSON; default "text"',
    ),
    ends: z.boolean().optional().describe(
      "Whether each document ends with a token of its own. By default it does, except with " +
        "char and byte where each file is one document",
    ),
    "document-end": z.string().min(1).optional().describe(
      "Text that stands between the documents of a text file, such as <|endoftext|>; it " +
        "becomes no tokens itself; \\n, \\r, \\t and \\\\ stand for one character each. By default " +
        "each text file is one document",
    ),
    "shard-tokens": z.int().min(1).max(2147483648).default(2 ** 26).describe(
      "Tokens in a shard, about; 67108864 make files of 128 MiB",
    ),
    "max-unknown": z.number().min(0).max(1).default(MAX_UNKNOWN).describe(
      "Largest part of the tokens that may be unknown to the tokenizer",
    ),
    check: z.string().min(1).optional().meta({ value: "DIR" }).describe(
      "Verify a prepared folder instead",
    ),
  },
} satisfies FlagsSpec;

/** A call of `prepare`: to prepare, or to check a folder. */
export type PrepareLine = PrepareRequest | { readonly check: string };

/** Reads a command line. @throws {UserError} `config`. */
export function parsePrepare(args: readonly string[]): PrepareLine | "help" {
  const { positionals: names, values, help } = parseFlags(args, PREPARE);
  if (help) return "help";
  const { check, out } = values;
  if (check !== undefined) {
    if (names.length === 0 && out === undefined) return { check };
    throw new UserError("config", "Cannot check and prepare at once: --check=DIR stands alone");
  }
  if (names.length === 0) {
    throw new UserError("config", `Cannot prepare: need text files, as in ${PREPARE.usage}`);
  }
  if (out === undefined) {
    throw new UserError("config", "Cannot prepare: need a folder to write to, as in --out=DIR");
  }
  return {
    names,
    out,
    tokenizer: values["tokenizer"],
    validation: values["validation"],
    field: values["field"],
    ends: values["ends"],
    documentEnd: values["document-end"],
    shardTokens: values["shard-tokens"],
    maxUnknown: values["max-unknown"],
  };
}
