/**
 * Text that is safe to show: on a terminal, in a table, on a page. The characters that steer what
 * shows them, and letter no word, are written as JSON writes them, so that JSON stays JSON. Pure.
 */

/**
 * What steers: C0 but tab and line feed, DEL, and C1, which terminals obey as they obey ESC [; line
 * and paragraph separators, at which some readers break lines; and the embeddings, overrides and
 * isolates of bidirectional text, which reorder what stands behind them. Marks that only order their
 * neighbours (U+200E, U+200F, U+061C) and joiners belong to words and emoji, and stay.
 */
const STEERING =
  // deno-lint-ignore no-control-regex
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Text without the characters that steer; line feeds and tabs stay. */
export function printable(text: string): string {
  return text.replace(STEERING, escaped);
}

/** Text as one line: line feeds and tabs are written as JSON writes them as well. */
export function oneLine(text: string): string {
  return printable(text).replace(/[\t\n]/g, escaped);
}

function escaped(c: string): string {
  const code = c.charCodeAt(0);
  return code < 0x20 ? JSON.stringify(c).slice(1, -1) : `\\u${code.toString(16).padStart(4, "0")}`;
}
