/** Compares a request with an existing preparation: the same files and options. */
import { createHash } from "node:crypto";
import { UserError } from "../base/user_error.ts";
import { shown } from "../data/document_end.ts";
import type { InputIndex, PrepareOptions } from "../data/prepared/schema.ts";
import { ByteStream } from "./byte_stream.ts";
import type { Input } from "./inputs.ts";

/** Options and inputs of a preparation. */
export interface PrepareInputs<I> {
  readonly options: PrepareOptions;
  readonly inputs: readonly I[];
}

/** Option names for messages. */
const FLAGS: Readonly<Record<keyof PrepareOptions, string>> = {
  tokenizer: "tokenizer",
  tokenizerFile: "tokenizer file",
  validation: "validation",
  field: "field",
  ends: "ends",
  documentEnd: "document-end",
  shardTokens: "shard-tokens",
};

/** @throws {UserError} `config` when the folder was made from something else. Changes nothing. */
export async function requireSame(
  folder: string,
  { existing, requested }: {
    existing: PrepareInputs<InputIndex>;
    requested: PrepareInputs<Input>;
  },
): Promise<void> {
  const fault = await differenceOf({ existing, requested });
  if (fault === undefined) return;
  throw new UserError(
    "config",
    `Cannot prepare into ${folder}: ${fault}; give another --out, or remove the folder`,
  );
}

/**
 * Describes the first difference between an existing preparation and a request; undefined if there
 * is none.
 */
export async function differenceOf(
  { existing, requested }: {
    existing: PrepareInputs<InputIndex>;
    requested: PrepareInputs<Input>;
  },
): Promise<string | undefined> {
  return optionFault(existing.options, requested.options) ??
    await inputFault(existing.inputs, requested.inputs);
}

function optionFault(existing: PrepareOptions, requested: PrepareOptions): string | undefined {
  const key = (Object.keys(FLAGS) as (keyof PrepareOptions)[])
    .find((name) => existing[name] !== requested[name]);
  if (key === undefined) return undefined;
  const [before, now] = [existing[key], requested[key]].map((value) =>
    key === "documentEnd" && value !== null ? shown(String(value)) : value
  );
  return `it was made with ${FLAGS[key]} ${before}, not ${now}`;
}

async function inputFault(
  existing: readonly InputIndex[],
  requested: readonly Input[],
): Promise<string | undefined> {
  if (existing.length !== requested.length) {
    return `it was made of ${existing.length} files, not ${requested.length}`;
  }
  for (const [i, input] of requested.entries()) {
    const before = existing[i] as InputIndex;
    const untouched = before.name === input.name && before.modified === input.modified;
    if (before.bytes === input.bytes && untouched) continue;
    if (before.bytes !== input.bytes || before.sha256 !== await hashOf(input)) {
      return `it was made of another ${before.name}`;
    }
  }
  return undefined;
}

async function hashOf(input: Input): Promise<string> {
  const hash = createHash("sha256");
  const raw = (chunk: Uint8Array) => void hash.update(chunk);
  await using stream = new ByteStream({ ...input, packed: false }, { raw });
  for (let n; (n = (await stream.peek(1 << 20)).length) > 0;) stream.take(n);
  return hash.digest("hex");
}
