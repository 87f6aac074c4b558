/** Whether a folder was made, or begun, of the same files with the same options. */
import { createHash } from "node:crypto";
import { UserError } from "../base/user_error.ts";
import { shown } from "../data/document_end.ts";
import type { InputIndex, PrepareOptions } from "../data/prepared/schema.ts";
import { ByteStream } from "./byte_stream.ts";
import type { Input } from "./inputs.ts";

/** What identifies a preparation. */
export interface PrepareInputs<I> {
  readonly options: PrepareOptions;
  readonly inputs: readonly I[];
}

/** Options as people write them. */
const FLAGS: Readonly<Record<keyof PrepareOptions, string>> = {
  tokenizer: "tokenizer",
  tokenizerFile: "tokenizer file",
  validation: "validation",
  field: "field",
  ends: "ends",
  documentEnd: "document-end",
  shardTokens: "shard-tokens",
};

/** @throws {UserError} `config` when the folder was made of something else; it is left as it is. */
export async function checkSame(
  folder: string,
  { stands, asked }: { stands: PrepareInputs<InputIndex>; asked: PrepareInputs<Input> },
): Promise<void> {
  const fault = await differenceOf({ stands, asked });
  if (fault === undefined) return;
  throw new UserError(
    "config",
    `Cannot prepare into ${folder}: ${fault}; give another --out, or remove the folder`,
  );
}

/** The first difference between what stands in a folder and what is asked for. */
export async function differenceOf(
  { stands, asked }: { stands: PrepareInputs<InputIndex>; asked: PrepareInputs<Input> },
): Promise<string | undefined> {
  return optionFault(stands.options, asked.options) ??
    await inputFault(stands.inputs, asked.inputs);
}

function optionFault(stands: PrepareOptions, asked: PrepareOptions): string | undefined {
  const key = (Object.keys(FLAGS) as (keyof PrepareOptions)[])
    .find((name) => stands[name] !== asked[name]);
  if (key === undefined) return undefined;
  const [before, now] = [stands[key], asked[key]].map((value) =>
    key === "documentEnd" && value !== null ? shown(String(value)) : value
  );
  return `it was made with ${FLAGS[key]} ${before}, not ${now}`;
}

async function inputFault(
  stands: readonly InputIndex[],
  asked: readonly Input[],
): Promise<string | undefined> {
  if (stands.length !== asked.length) {
    return `it was made of ${stands.length} files, not ${asked.length}`;
  }
  for (const [i, input] of asked.entries()) {
    const before = stands[i] as InputIndex;
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
