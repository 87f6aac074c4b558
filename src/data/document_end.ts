/** The text that ends documents, as people write it, and what is said where a text has none. */
import { UserError } from "../base/user_error.ts";
import { END_TEXT } from "./tokenizers/types.ts";

/** What `\n` and the like stand for: a shell hands the two characters over as they are. */
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "\\": "\\" };

/** A text of the command line or of a config in which `\n`, `\r`, `\t` and `\\` are one character. */
export function unescaped(text: string): string {
  return text.replaceAll(/\\([nrt\\])/g, (_, letter: string) => ESCAPES[letter] as string);
}

/** Whether the end is the one that tokenizers have a token for. */
export function isEndToken(end: string): boolean {
  return end === END_TEXT;
}

/** A text as an option takes it. */
export function shown(text: string): string {
  return JSON.stringify(text);
}

/**
 * The refusal of a text in which no document ends. `option` is how the end was given; `text` is the
 * text, or as much of it as tells how its lines end.
 */
export function noEnds(
  name: string,
  { end, option, text }: { end: string; option: string; text: string },
): UserError {
  return new UserError(
    "data",
    `Cannot tell documents apart in ${name}: need ${shown(end)} (${option}) between them: ` +
      `it occurs nowhere${hint(end, text)}`,
  );
}

function hint(end: string, text: string): string {
  const bare = end.replaceAll("\r\n", "\n");
  const other = bare === end ? end.replaceAll("\n", "\r\n") : bare;
  const lines = bare === end ? "CR LF" : "LF alone";
  if (other !== end && text.includes(other)) {
    return `; its lines end with ${lines}: give ${shown(other)}`;
  }
  if (/[\n\r\t\\]/.test(end)) return "; \\n, \\r, \\t and \\\\ stand for one character each";
  return isEndToken(end) ? "; give the text that does stand there" : "";
}
