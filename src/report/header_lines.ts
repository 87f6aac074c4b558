/** The first lines of a run: names and what stands behind them. Pure; knows no key of a config. */
import { maxOf } from "../base/extremes.ts";
import { printable } from "../base/text/printable.ts";
import { wrap } from "./wrap.ts";

/** A name, and its text, or the words of it that belong together. */
export type HeaderRow = readonly [name: string, text: string];

/** The rows as lines of at most `width` columns; a text that goes on stands below itself. */
export function headerLines(rows: readonly HeaderRow[], width: number): string[] {
  const indent = Math.max(0, maxOf(rows.map(([name]) => name.length))) + 2;
  return rows.flatMap(([name, text]) =>
    // Narrower than a word there is no room for columns.
    wrap(printable(text).replaceAll("\n", " "), Math.max(20, width - indent))
      .map((line, i) => (i === 0 ? name.padEnd(indent) : " ".repeat(indent)) + line)
  );
}
