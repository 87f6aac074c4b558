/**
 * Parses JSON from a file that may be hostile or corrupt: limits the depth and rejects duplicate
 * keys, of which `JSON.parse` silently keeps the last.
 */
import { stringEnd } from "../base/text/json.ts";
import { Damage } from "./damage.ts";

/**
 * Parses `text`. @throws {Damage} naming `what`, for invalid JSON, a duplicate key, or excess
 * depth.
 */
export function parseStrict(
  text: string,
  { what, depth }: { what: string; depth: number },
): unknown {
  try {
    scan(text, depth);
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new Damage(`${what} is not valid JSON`);
    if (error instanceof RangeError) throw new Damage(`${what} ${error.message}`);
    throw error;
  }
}

/** Checks depth and keys in one pass; `JSON.parse` checks the grammar. */
function scan(text: string, depth: number): void {
  const keys: (Set<string> | undefined)[] = [];
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === "{" || c === "[") keys.push(c === "{" ? new Set() : undefined);
    else if (c === "}" || c === "]") keys.pop();
    else if (c === '"') {
      const end = stringEnd(text, i);
      if (isKey(text, end)) noteKey(keys.at(-1), JSON.parse(text.slice(i, end)));
      i = end - 1;
    }
    if (keys.length > depth) throw new RangeError(`is nested deeper than ${depth} levels`);
  }
}

function isKey(text: string, at: number): boolean {
  let i = at;
  while (" \t\r\n".includes(text[i] ?? "x")) i++;
  return text[i] === ":";
}

function noteKey(keys: Set<string> | undefined, key: string): void {
  if (keys?.has(key)) throw new RangeError(`has the key ${JSON.stringify(key)} twice`);
  keys?.add(key);
}
