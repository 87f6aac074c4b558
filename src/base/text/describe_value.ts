/** Shows values of user code in error messages. */
import { oneLine } from "./printable.ts";

/** Longest text of a value. */
const LONGEST = 60;

/** A value on one line: JSON where it has a form in it, else what it is, as `a Map`. */
export function describeValue(value: unknown): string {
  if (typeof value === "string") return cut(JSON.stringify(value));
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) return String(value);
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
  if (typeof name === "string" && name !== "Object" && !Array.isArray(value)) return `a ${name}`;
  try {
    return cut(JSON.stringify(value));
  } catch {
    return "an object without a form in JSON";
  }
}

function cut(text: string): string {
  const line = oneLine(text);
  return (line.length > LONGEST ? `${line.slice(0, LONGEST - 3)}...` : line).toWellFormed();
}
