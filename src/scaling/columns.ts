/** Maps the headers of a user's table to columns. */
import { UserError } from "../base/user_error.ts";

/** Columns of a trial. */
export type Column = "params" | "tokens" | "loss" | "flops" | "name";

/** Required columns. */
export const REQUIRED = ["params", "tokens", "loss"] as const;

/**
 * Accepted headers per column, in lower case without separators; the first one takes precedence.
 */
const HEADERS: Readonly<Record<Column, readonly string[]>> = {
  params: [
    "params",
    "param",
    "parameters",
    "nparams",
    "nparameters",
    "numparams",
    "numparameters",
    "paramcount",
    "parametercount",
    "totalparams",
    "totalparameters",
    "modelparams",
    "modelparameters",
    "modelsize",
    "paramsall",
    "n",
  ],
  tokens: [
    "tokens",
    "token",
    "ntokens",
    "numtokens",
    "totaltokens",
    "traintokens",
    "trainingtokens",
    "tokensseen",
    "d",
  ],
  loss: [
    "loss",
    "finalloss",
    "valloss",
    "validationloss",
    "evalloss",
    "testloss",
    "trainloss",
    "trainingloss",
    "l",
  ],
  flops: [
    "flops",
    "flop",
    "totalflops",
    "trainflops",
    "trainingflops",
    "compute",
    "trainingcompute",
    "c",
  ],
  name: ["name", "run", "runname", "model", "modelname", "label"],
};

/** Index of each column, and unused headers. */
export interface Columns {
  readonly at: Readonly<Partial<Record<Column, number>>>;
  readonly ignored: readonly string[];
}

/** Normalizes a header: `Final Loss`, `final_loss` and `FINAL-LOSS` are equal. */
function plain(header: string): string {
  return header.toLowerCase().replace(/[\s_.\-]/g, "");
}

/** Number of required columns in a header, to choose the cell separator. */
export function columnsMet(headers: readonly string[]): number {
  const names = headers.map(plain);
  return REQUIRED.filter((column) => HEADERS[column].some((name) => names.includes(name))).length;
}

/** Finds the columns. @throws {UserError} `data` when a column is missing or ambiguous. */
export function columnsOf(headers: readonly string[], path: string): Columns {
  const names = headers.map(plain);
  const at: Partial<Record<Column, number>> = {};
  for (const [column, known] of Object.entries(HEADERS) as [Column, readonly string[]][]) {
    const found = names.flatMap((name, i) => known.includes(name) ? [i] : []);
    const exact = found.filter((i) => names[i] === known[0]);
    const chosen = exact.length > 0 ? exact : found;
    if (chosen.length > 1) {
      const shown = chosen.map((i) => `"${headers[i]?.trim()}"`).join(" and ");
      throw new UserError(
        "data",
        `Cannot read ${path}: need one column for ${column}: got ${shown}; call the one that is ` +
          `meant ${column}`,
      );
    }
    if (chosen[0] !== undefined) at[column] = chosen[0];
  }
  const missing = REQUIRED.filter((column) => at[column] === undefined);
  if (missing.length > 0) {
    throw new UserError(
      "data",
      `Cannot read ${path}: need the columns ${REQUIRED.join(", ")}: no ${missing.join(", ")}` +
        shownHeaders(headers),
    );
  }
  const taken = new Set(Object.values(at));
  const ignored = headers.filter((header, i) => !taken.has(i) && header.trim() !== "");
  return { at, ignored: ignored.map((header) => header.trim()) };
}

function shownHeaders(headers: readonly string[]): string {
  const own = headers.map((header) => header.trim()).filter((header) => header !== "");
  if (own.length === 0) return "; the first row is empty";
  const text = own.join(", ");
  return ` among ${text.length > 120 ? text.slice(0, 120) + "..." : text}`;
}
