/** The records of a table with separators: its encoding, its separator, and the row of each. */
import { CsvError, parse } from "csv-parse/sync";
import { UserError } from "../base/user_error.ts";
import { textOfBytes } from "../data/read.ts";
import { columnsMet } from "../scaling/columns.ts";
import type { TableRow } from "../scaling/user_table.ts";

const SEPARATORS = [",", ";", "\t", "|"] as const;
const NAMES: Readonly<Record<string, string>> = { ",": "commas", ";": ";", "\t": "tabs", "|": "|" };

/** What is wrong with a record, by the parser's code. */
const FAULTS: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a " is opened and never closed',
  CSV_INVALID_CLOSING_QUOTE: 'a " is closed in the middle of a cell',
  INVALID_OPENING_QUOTE: 'a " stands in the middle of a cell',
};

/** The records of a file's bytes. @throws {UserError} `data`. */
export function csvRows(bytes: Uint8Array, path: string): TableRow[] {
  const records = recordsOf(utf16Text(bytes) ?? textOfBytes(bytes, path));
  // Spreadsheets write their separator before the header.
  const [first] = records;
  const told = /^sep=(.)$/i.exec(first?.text ?? "")?.[1];
  if (told !== undefined) records.shift();
  const separator = told ?? separatorOf(records[0], path);
  return records.map(({ row, text }) => ({ row, cells: cellsOf(text, { row, separator, path }) }))
    // Spreadsheets leave rows of empty cells behind the last one.
    .filter(({ cells }) => cells.some((cell) => cell.trim() !== ""));
}

/** The text behind a byte order mark of UTF-16, as spreadsheets write it; undefined without one. */
function utf16Text(bytes: Uint8Array): string | undefined {
  const [a, b] = bytes;
  if (a === 0xff && b === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  return a === 0xfe && b === 0xff ? new TextDecoder("utf-16be").decode(bytes) : undefined;
}

/** Lines without a quote that is open, each with its number; a quoted cell may hold line ends. */
function recordsOf(text: string): { row: number; text: string }[] {
  const records: string[] = [];
  let open: string[] = [];
  for (const line of text.split(/\r\n|\n|\r/)) {
    const isOdd = (line.match(/"/g)?.length ?? 0) % 2 === 1;
    const isOpen = open.length > 0 ? !isOdd : isOdd;
    open.push(line);
    if (isOpen) continue;
    records.push(open.join("\n"));
    open = [];
  }
  if (open.length > 0) records.push(open.join("\n"));
  return records.map((text, i) => ({ row: i + 1, text }))
    .filter(({ text }) => text.trim() !== "");
}

/** The separator by which the header has most of the columns. */
function separatorOf(head: { text: string } | undefined, path: string): string {
  if (head === undefined) return ",";
  const cells = (separator: string) => head.text.replaceAll('"', "").split(separator);
  const most = (a: string, b: string) => columnsMet(cells(b)) > columnsMet(cells(a)) ? b : a;
  const best = SEPARATORS.reduce<string>(most, ",");
  if (columnsMet(head.text.split(/\s+/)) > columnsMet(cells(best))) {
    throw new UserError(
      "data",
      `Cannot read ${path}: need cells with commas, semicolons, tabs or | between: got spaces`,
    );
  }
  return best;
}

function cellsOf(
  text: string,
  { row, separator, path }: { row: number; separator: string; path: string },
): string[] {
  try {
    const [cells = []] = parse(text, { delimiter: separator });
    return cells;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new UserError(
      "data",
      `Cannot read ${path}, row ${row}: need a table with ${NAMES[separator] ?? separator}: ` +
        (FAULTS[error.code] ?? error.message),
    );
  }
}
