/** Parses the records of a user's table to points. */
import { UserError } from "../base/user_error.ts";
import { marksOf, type NumberColumn, numberIn } from "./cell.ts";
import { type Column, type Columns, columnsOf } from "./columns.ts";
import { FLOP_PER_PARAM_TOKEN } from "./fit/law.ts";
import { checked, newestTrials, type Trials } from "./read.ts";
import type { ScalingPoint } from "./types.ts";

/** A record and its row in a spreadsheet; the header is row 1. */
export interface TableRow {
  readonly row: number;
  readonly cells: readonly string[];
}

/** Number formats for messages. */
const NEEDS: Readonly<Record<NumberColumn, string>> = {
  params: "a number of parameters as 70000000, 7e7 or 70M",
  tokens: "a number of tokens as 1400000000, 1.4e9 or 1.4B",
  flops: "FLOP as 3e20 or 300 EFLOP",
  loss: "a loss in nats per token as 2.31",
};

/**
 * Reads a table with a header: params, tokens and loss, optionally flops and name. Default flops: 6
 * N D. @throws {UserError} `data`.
 */
export function readTable([head, ...records]: readonly TableRow[], path: string): Trials {
  const headers = (head?.cells ?? []).map((header) => header.trim());
  const columns = columnsOf(headers, path);
  for (const { row, cells } of records) {
    const beyond = cells.slice(headers.length).filter((cell) => cell.trim() !== "");
    if (beyond.length > 0) {
      throw new UserError(
        "data",
        `Cannot read ${path}, row ${row}: need ${headers.length} cells as the header has: got ` +
          `${cells.length}; a separator inside a cell needs quotes about it`,
      );
    }
  }
  const read = readerOf({ columns, records, headers, path });
  const [params, tokens, loss, flops] = (["params", "tokens", "loss", "flops"] as const).map(
    read,
  ) as [number[], number[], number[], (number | undefined)[]];
  const points = records.map(({ row, cells }, i): ScalingPoint => {
    const [n, d] = [params[i] as number, tokens[i] as number];
    return checked({
      name: cellOf(cells, columns, "name") || `row ${row}`,
      params: n,
      tokens: d,
      flops: flops[i] ?? FLOP_PER_PARAM_TOKEN * n * d,
      loss: loss[i] as number,
    }, `${path}, row ${row}`);
  });
  const { kept, repeated } = newestTrials(points, records.map(({ row }) => `row ${row}`));
  return {
    points: { all: kept.map((i) => points[i] as ScalingPoint) },
    failed: 0,
    stopped: 0,
    repeated,
    notes: notesOf({ columns, headers }),
  };
}

function cellOf(cells: readonly string[], { at }: Columns, column: Column): string {
  const place = at[column];
  return place === undefined ? "" : (cells[place] ?? "").trim();
}

/** Reads one column; flops are undefined for an empty cell or a missing column. */
function readerOf(
  { columns, records, headers, path }: {
    columns: Columns;
    records: readonly TableRow[];
    headers: readonly string[];
    path: string;
  },
): (column: NumberColumn) => (number | undefined)[] {
  return (column) => {
    const texts = records.map(({ cells }) => cellOf(cells, columns, column));
    const marks = marksOf(texts, column);
    return texts.map((text, i) => {
      if (column === "flops" && text === "") return undefined;
      const found = numberIn(text, { column, marks });
      if (typeof found === "number") return found;
      const header = headers[columns.at[column] as number];
      throw new UserError(
        "data",
        `Cannot read ${path}, row ${records[i]?.row}, column ${header}: need ${NEEDS[column]}: ` +
          `got ${found}`,
      );
    });
  };
}

/** Notices of renamed and ignored headers. */
function notesOf(
  { columns: { at, ignored }, headers }: { columns: Columns; headers: readonly string[] },
): string[] {
  const renamed = Object.entries(at)
    .filter(([column, i]) => headers[i as number] !== column)
    .map(([column, i]) => `${column} from "${headers[i as number]}"`);
  return [
    ...(renamed.length > 0 ? [`Read ${renamed.join(", ")}`] : []),
    ...(ignored.length > 0
      ? [`Ignored ${ignored.length === 1 ? "the column" : "the columns"} ${ignored.join(", ")}`]
      : []),
  ];
}
