/**
 * Parses numbers in user tables: `70M`, `2,31`, `1,000`, `3e20 FLOPs`. An ambiguous cell is read as
 * the rest of its column shows, else it is an error.
 */
import type { Column } from "./columns.ts";

/** A column of numbers. */
export type NumberColumn = Exclude<Column, "name">;

/** Meaning of comma and point: decimal mark or thousands separator. */
export interface Marks {
  /** Set if an unambiguous cell of the column shows it. */
  readonly comma?: "decimal" | "thousands";
  readonly point?: "decimal" | "thousands";
}

const SIZES: Readonly<Record<string, number>> = {
  k: 1e3,
  m: 1e6,
  b: 1e9,
  g: 1e9,
  t: 1e12,
  p: 1e15,
  e: 1e18,
  z: 1e21,
};

/** Units allowed after a number of a column. */
const UNITS: Readonly<Record<NumberColumn, RegExp>> = {
  params: /^(params?|parameters?)$/,
  tokens: /^(tokens?|toks?)$/,
  flops: /^(flops?)$/,
  loss: /^(nats?|nats\/token)$/,
};

/** Prefixes valid without a unit; others need one. */
const BARE = "kmbgtpz";

/** Digits of a cell, and the factor of its prefix. */
interface Parts {
  readonly digits: string;
  readonly factor: number;
}

function partsOf(cell: string, column: NumberColumn): Parts | undefined {
  // Remove spaces, apostrophes and underscores between groups of three digits.
  const text = cell.trim().replace(/(?<=\d)[\s'\u2019_](?=\d{3}(?!\d))/g, "");
  const match = /^\+?([\d.,]+(?:[eE][+-]?\d+)?)([A-Za-z/\s]*)$/.exec(text);
  if (match === null) return undefined;
  const [, digits = "", word = ""] = match;
  const lower = word.toLowerCase().replace(/\s/g, "");
  if (lower === "" || UNITS[column].test(lower)) return { digits, factor: 1 };
  const prefix = lower[0] as string;
  const unit = lower.slice(1);
  const size = SIZES[prefix];
  // A loss has no prefix.
  if (size === undefined || column === "loss") return undefined;
  if (unit === "" ? BARE.includes(prefix) : UNITS[column].test(unit)) {
    return { digits, factor: size };
  }
  return undefined;
}

/** The marks that the unambiguous cells of a column show. */
export function marksOf(cells: readonly string[], column: NumberColumn): Marks {
  const shown = cells.map((cell) => shownBy(partsOf(cell, column)?.digits ?? ""));
  const of = (mark: "comma" | "point") => {
    const kinds = new Set(shown.map((marks) => marks[mark]).filter((kind) => kind !== undefined));
    const [kind] = kinds;
    return kinds.size === 1 ? kind : undefined;
  };
  const [comma, point] = [of("comma"), of("point")];
  return { ...(comma && { comma }), ...(point && { point }) };
}

/**
 * The marks that one number shows unambiguously: repeated groups, or digits that are no group of
 * three.
 */
function shownBy(digits: string): Marks {
  const [mantissa = ""] = digits.split(/[eE]/);
  const [commas, points] = [",", "."].map((mark) => mantissa.split(mark).length - 1);
  if (commas === 0 && points === 0) return {};
  if (commas && points) {
    // If both occur, the last one is the decimal mark.
    return mantissa.lastIndexOf(",") > mantissa.lastIndexOf(".")
      ? { comma: "decimal", point: "thousands" }
      : { comma: "thousands", point: "decimal" };
  }
  const mark = commas ? "comma" : "point";
  const count = Math.max(commas ?? 0, points ?? 0);
  if (count > 1) return { [mark]: "thousands" };
  // Ambiguous: one to three digits, a mark, three digits. `0,310`, `12345,678` and `2,31` are not.
  const doubtful = /^[1-9]\d{0,2}[.,]\d{3}$/.test(mantissa) && mantissa === digits;
  return doubtful ? {} : { [mark]: "decimal" };
}

/** The number of a cell, or a description of the fault. */
export function numberIn(
  cell: string,
  { column, marks }: { readonly column: NumberColumn; readonly marks: Marks },
): number | string {
  if (cell.trim() === "") return "an empty cell";
  const parts = partsOf(cell, column);
  if (parts === undefined) return shownCell(cell);
  const { digits, factor } = parts;
  const own = shownBy(digits);
  const clash = (["comma", "point"] as const).some((mark) =>
    own[mark] !== undefined && marks[mark] !== undefined && own[mark] !== marks[mark]
  );
  const kind = (mark: "comma" | "point") =>
    own[mark] ?? marks[mark] ?? guess({ column, mark, factor, marks });
  const [comma, point] = [
    digits.includes(",") ? kind("comma") : "thousands",
    digits.includes(".") ? kind("point") : "decimal",
  ];
  if (clash || comma === undefined || point === undefined) {
    return `${shownCell(cell)}, which can be read in two ways`;
  }
  const grouped = comma === "thousands" ? "," : point === "thousands" ? "." : undefined;
  if (grouped !== undefined && digits.includes(grouped) && !inGroups(digits, grouped)) {
    return shownCell(cell);
  }
  const plain = comma === "thousands" ? digits.replaceAll(",", "") : digits;
  const text = (point === "thousands" ? plain.replaceAll(".", "") : plain).replace(",", ".");
  const value = /^(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) * factor : NaN;
  return Number.isFinite(value) ? value : shownCell(cell);
}

/** Guesses an ambiguous mark that no other cell resolves. */
function guess(
  { column, mark, factor, marks }: {
    column: NumberColumn;
    mark: "comma" | "point";
    factor: number;
    marks: Marks;
  },
): "decimal" | "thousands" | undefined {
  const other = marks[mark === "comma" ? "point" : "comma"];
  // The two marks differ in meaning. A loss is never thousands of nats.
  if (other !== undefined && (column !== "loss" || other === "thousands")) {
    return other === "decimal" ? "thousands" : "decimal";
  }
  if (column === "loss") return mark === "point" && other === undefined ? "decimal" : undefined;
  // Counts are integers, so a comma separates thousands. With a prefix it stays ambiguous: `1,400B`
  // is 1.4e9 or 1.4e12.
  return mark === "comma" && factor === 1 ? "thousands" : undefined;
}

/** Whether a mark separates groups of three. */
function inGroups(digits: string, mark: string): boolean {
  const [first = "", ...groups] = (digits.split(/[eE]/)[0] as string)
    .split(mark === "," ? "." : ",")[0]?.split(mark) ?? [];
  return /^\d{1,3}$/.test(first) && groups.every((group) => /^\d{3}$/.test(group));
}

function shownCell(cell: string): string {
  const text = cell.trim();
  return `"${text.length > 40 ? text.slice(0, 40) + "..." : text}"`;
}
