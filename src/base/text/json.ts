/**
 * Parses JSON from untrusted files. Deep nesting would take minutes to parse and overflow the stack
 * of recursive code, so the depth is checked first.
 */

/** Default maximum nesting. */
export const DEEPEST = 512;

/** The value of a JSON text. @throws {SyntaxError} for invalid JSON or too deep nesting. */
export function parseJsonText(text: string, deepest = DEEPEST): unknown {
  if (text.length > deepest) requireShallow(text, deepest);
  return JSON.parse(text);
}

function requireShallow(text: string, deepest: number): void {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === QUOTE) i = stringEnd(text, i) - 1;
    else if (unit === OPEN_OBJECT || unit === OPEN_ARRAY) depth++;
    else if (unit === CLOSE_OBJECT || unit === CLOSE_ARRAY) depth--;
    if (depth > deepest) {
      throw new SyntaxError(`values lie within values deeper than ${deepest} levels`);
    }
  }
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** The offset after the JSON string whose opening quote is at `start`. */
export function stringEnd(text: string, start: number): number {
  for (let at = start + 1;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return text.length;
    let slashes = 0;
    while (text.charCodeAt(quote - 1 - slashes) === BACKSLASH) slashes++;
    // After an odd number of backslashes the quote is escaped.
    if (slashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}
