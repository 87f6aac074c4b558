/** One line for whatever code of the user threw. */

/** The first line of an error's message; any other value as JSON. */
export function thrownLine(thrown: unknown): string {
  if (thrown instanceof Error) {
    const [line = ""] = thrown.message.split("\n", 1);
    return line === "" ? thrown.name : line;
  }
  return `it threw ${valueText(thrown)}`;
}

/** A value that code of the user gave, in a few words. */
export function valueText(value: unknown): string {
  if (value instanceof Promise) return "a promise";
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  return jsonOf(value) ?? "an object";
}

/** Most characters of a value that are shown. */
const MOST = 60;

function jsonOf(value: object): string | undefined {
  try {
    const text = JSON.stringify(value) as string | undefined;
    return text === undefined || text.length > MOST ? undefined : text;
  } catch {
    return undefined; // It has a cycle, or a getter that throws.
  }
}
