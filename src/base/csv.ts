/** Tables of comma-separated values, RFC 4180 but for line feeds, as spreadsheets may open them. Pure. */
import { printable } from "./printable.ts";

/** Rows as a table; what is null or undefined has an empty cell, and lists and objects are JSON. */
export function csvTable(rows: readonly (readonly unknown[])[]): string {
  return rows.map((row) => row.map(cell).join(",") + "\n").join("");
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = inert(printable(typeof value === "object" ? JSON.stringify(value) : String(value)));
  // Some spreadsheets also split cells at semicolons and tabs.
  return /[",;\t\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * A text that a spreadsheet takes as a text. Behind one of these characters, or their wide forms, it
 * would read a formula, which can start programs; an apostrophe in front says that it is none.
 */
function inert(text: string): string {
  const isFormula = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\n]/.test(text);
  return isFormula && !isNumber(text) ? `'${text}` : text;
}

function isNumber(text: string): boolean {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
}
