/**
 * Makes text safe to show on a terminal, in a table or on a page: control characters become JSON
 * escapes, so that JSON stays JSON. Pure.
 */

/**
 * C0 except tab and line feed, DEL, and C1, which terminals take for ESC sequences; line and
 * paragraph separators, at which some programs break lines; and the embeddings, overrides and
 * isolates of bidirectional text, which reorder what follows. Directional marks (U+200E, U+200F,
 * U+061C) and joiners are kept: words and emoji need them.
 */
const STEERING =
  // deno-lint-ignore no-control-regex
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** The text with control characters escaped; line feeds and tabs stay. */
export function printable(text: string): string {
  return text.replace(STEERING, escaped);
}

/** The same on one line: line feeds and tabs are escaped as well. */
export function oneLine(text: string): string {
  return printable(text).replace(/[\t\n]/g, escaped);
}

function escaped(c: string): string {
  const code = c.charCodeAt(0);
  return code < 0x20 ? JSON.stringify(c).slice(1, -1) : `\\u${code.toString(16).padStart(4, "0")}`;
}
