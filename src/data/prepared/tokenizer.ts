/** Reads the tokenizer of a prepared folder. */
import { join } from "node:path";
import { UserError } from "../../base/user_error.ts";
import { tokenizerSpecSchema } from "../schema.ts";
import { namingFile } from "../tokenizers/limits.ts";
import { tokenizerFrom } from "../tokenizers/mod.ts";
import type { Tokenizer } from "../tokenizers/types.ts";
import { textIfAny } from "./files.ts";
import { parseJson, TOKENIZER } from "./folder.ts";

/** The tokenizer of a folder. @throws {UserError} `data` when it is missing or damaged. */
export function readTokenizer(folder: string): Tokenizer {
  const path = join(folder, TOKENIZER);
  const text = textIfAny(path);
  if (text === undefined) {
    throw new UserError("data", `Cannot read ${path}: need the folder's tokenizer: it is missing`);
  }
  const spec = parseJson(path, { text, schema: tokenizerSpecSchema });
  return namingFile(path, () => tokenizerFrom(spec));
}
