/** Reads the prompt of a command line and encodes it to tokens. */
import { UserError } from "../../base/user_error.ts";
import { warn } from "../../base/text/say.ts";
import { readWhole, textOfBytes } from "../../data/read.ts";
import type { Tokenizer } from "../../data/tokenizers/types.ts";
import type { PromptFrom } from "./request.ts";

/** Milliseconds after which a silent stdin is mentioned. */
const PATIENCE = 3000;

/** The text of a prompt; empty where none is given. @throws {UserError} if it is not UTF-8. */
export async function readPrompt(from: PromptFrom): Promise<string> {
  if (from.kind === "text") return from.text;
  if (from.kind === "file") return await readWhole(from.path);
  if (from.kind === "none" && Deno.stdin.isTerminal()) return "";
  // Without the flag, stdin may be an open pipe that never gets data: do not wait for it silently.
  const waiting = setTimeout(
    () => warn("Waiting for a prompt on stdin; --prompt=TEXT gives it at once"),
    PATIENCE,
  );
  try {
    return textOfBytes(await new Response(Deno.stdin.readable).bytes(), "the prompt on stdin");
  } finally {
    clearTimeout(waiting);
  }
}

/** Tokens that a text begins with: those of the prompt, or the token that ends documents. */
export function promptTokens(
  prompt: string,
  tokenizer: Pick<Tokenizer, "encode" | "end">,
): Uint32Array {
  const tokens = tokenizer.encode(prompt);
  if (tokens.length > 0) return tokens;
  if (tokenizer.end !== undefined) return Uint32Array.of(tokenizer.end);
  throw new UserError(
    "config",
    `Cannot begin a text: need a prompt, as --prompt="Once", for the tokenizer has no token ` +
      "that documents begin behind: the prompt is empty",
  );
}
