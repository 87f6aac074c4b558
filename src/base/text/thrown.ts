/** The line of a value that code threw. Pure. */

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
