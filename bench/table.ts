/** Aligned text. */

/** A number to three digits or so: 0.123, 12.3, 1234. */
export function fixed(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

/** Part of a whole, in percent. */
export function percent(part: number, whole: number): string {
  return `${(100 * part / whole).toFixed(1)} %`;
}

/** Lines of a table whose first row is its head: the first column to the left, others to the right. */
export function alignTable(rows: readonly (readonly string[])[]): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from(
    { length: columns },
    (_, c) => Math.max(...rows.map((row) => row[c]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    widths.map((width, c) =>
      c === 0 ? (row[c] ?? "").padEnd(width) : (row[c] ?? "").padStart(width)
    )
      .join("  ").trimEnd();
  const [head = [], ...body] = rows;
  return [line(head), "-".repeat(line(widths.map((w) => "-".repeat(w))).length), ...body.map(line)];
}
