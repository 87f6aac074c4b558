/** Formats the header of a run: rows of a name and a text. Pure. */
import { maxOf } from "../base/extremes.ts";
import { printable } from "../base/text/printable.ts";
import { wrap } from "./wrap.ts";

/** A name and its text. */
export type HeaderRow = readonly [name: string, text: string];

/** The rows as lines of at most `width` columns, with hanging indents. */
export function headerLines(rows: readonly HeaderRow[], width: number): string[] {
  const indent = Math.max(0, maxOf(rows.map(([name]) => name.length))) + 2;
  return rows.flatMap(([name, text]) =>
    // At least 20 columns, even if the terminal is narrower.
    wrap(printable(text).replaceAll("\n", " "), Math.max(20, width - indent))
      .map((line, i) => (i === 0 ? name.padEnd(indent) : " ".repeat(indent)) + line)
  );
}
