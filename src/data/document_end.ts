/** Parses the document separator from an option, and the error for a text without one. */
import { UserError } from "../base/user_error.ts";
import { END_TEXT } from "./tokenizers/types.ts";

/**
 * Escape sequences: a shell passes `
 * ` as two characters.
 */
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "\\": "\\" };

/**
 * Replaces the escapes `
 * `, `\r`, `\t` and `\\` in an option's value.
 */
export function unescaped(text: string): string {
  return text.replaceAll(/\\([nrt\\])/g, (_, letter: string) => ESCAPES[letter] as string);
}

/** Whether the separator is <|endoftext|>, for which tokenizers have a token. */
export function isEndToken(end: string): boolean {
  return end === END_TEXT;
}

/** A text quoted as an option value. */
export function shown(text: string): string {
  return JSON.stringify(text);
}

/**
 * The error for a text that does not contain the separator. `option`: the option that set it;
 * `text`: the text, or enough of it to detect its line ends.
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
