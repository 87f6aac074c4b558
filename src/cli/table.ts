/** Formats rows as the aligned columns of a help text. */
import { maxOf } from "../base/extremes.ts";

/** Columns of the page. */
const WIDTH = 100;

/** Rows as lines: columns as wide as their longest cell, the last one wrapped to the page. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).slice(0, -1).map((_, c) =>
    maxOf(rows.map((row) => (row[c] ?? "").length))
  );
  const indent = 2 + widths.reduce((sum, width) => sum + width + 2, 0);
  return rows.flatMap((row) => {
    const head = widths.map((width, c) => (row[c] ?? "").padEnd(width) + "  ").join("");
    const [first = "", ...more] = wrap(row.at(-1) ?? "", WIDTH - indent);
    return [`  ${head}${first}`.trimEnd(), ...more.map((line) => " ".repeat(indent) + line)];
  });
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}
