/** Which transformers can be exported as GPT-2. */
import { UserError } from "../../base/user_error.ts";
import type { GptConfig } from "./schema.ts";

/** @throws {UserError} `config` for a transformer that GPT2LMHeadModel cannot compute. */
export function requireGpt2({ positions, heads, kv_heads, attention_window }: GptConfig): void {
  const needs: [boolean, string][] = [
    [
      positions === "learned" || positions === "sinusoidal",
      `learned or sinusoidal positions: it has positions=${positions}`,
    ],
    [(kv_heads ?? heads) === heads, `as many heads of keys as heads: it has kv_heads=${kv_heads}`],
    [attention_window === null, `no window: it has attention_window=${attention_window}`],
  ];
  const missing = needs.find(([holds]) => !holds);
  if (missing === undefined) return;
  throw new UserError("config", `Cannot export the transformer as GPT-2: need ${missing[1]}`);
}
