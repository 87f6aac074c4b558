/**
 * CSV tables (RFC 4180, with LF line ends), safe against formula injection in spreadsheets. Pure.
 */
import { printable } from "./printable.ts";

/** Rows as a table: null and undefined are empty cells, lists and objects are JSON. */
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
 * Prefixes an apostrophe to text that a spreadsheet would evaluate as a formula: it begins with one
 * of these characters or their full-width forms. Formulas can start programs.
 */
function inert(text: string): string {
  const isFormula = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\n]/.test(text);
  return isFormula && !isNumber(text) ? `'${text}` : text;
}

function isNumber(text: string): boolean {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
}
