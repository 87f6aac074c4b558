/** Values that code of the user threw or gave, in one line. Pure. */

/** The first line of an error's message; another value as JSON, or as text where it has none. */
export function thrownLine(thrown: unknown): string {
  const text = thrown instanceof Error ? String(thrown.message) || thrown.name : textOf(thrown);
  return text.split("\n", 1)[0] as string;
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    // A cycle, a bigint, or a method that throws.
    return `a value of type ${typeof value}`;
  }
}

/** A value that code of the user gave instead of another, in a few words. */
export function valueText(value: unknown): string {
  if (value instanceof Promise) return "a promise";
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  const text = textOf(value);
  return text.length > MOST ? "an object" : text;
}

/** Most characters of a value that are shown. */
const MOST = 60;
