/** Reads the prompt of a command line. */
import { warn } from "../../base/text/say.ts";
import { readWhole, textOfBytes } from "../../data/read.ts";
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
