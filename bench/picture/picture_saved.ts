/** What `bench:peers --json` prints, as far as its picture needs it. Pure. */
import { UserError } from "../../src/base/user_error.ts";
import type { Beside, BesideRow } from "../beside/result.ts";
import type { Machine } from "../machine.ts";

/** A comparison that was measured. */
export interface SavedPeers {
  readonly machine: Machine;
  readonly adapter: string;
  readonly command: string;
  /** What each side said of itself: name, version and adapter. */
  readonly sides: readonly string[];
  readonly rows: readonly BesideRow[];
}

/** The lines below the picture: hardware, versions, and how it was measured. */
export function factsOf(
  { machine, adapter, command, sides }: Omit<SavedPeers, "rows">,
): string[] {
  const { cpu, cores, driver, date, commit } = machine;
  const device = driver === undefined ? adapter : `${adapter}, ${driver}`;
  const versions = sides.map((side) => side.replace(` on ${adapter}`, ""));
  return [
    `${device}; ${cpu}, ${cores} cores`,
    ...versions.length === 0 ? [] : [versions.join("; ")],
    `${date}, commit ${commit}: ${command}`,
  ];
}

/** Reads what was printed. @throws {UserError} `data` when it is something else. */
export function readPeers(printed: string): SavedPeers {
  let value: unknown;
  try {
    value = JSON.parse(printed);
  } catch {
    throw refusalOf("no JSON");
  }
  const { machine, adapter, command, sides, rows } = (value ?? {}) as Partial<SavedPeers>;
  if (typeof machine?.cpu !== "string") throw refusalOf("no machine");
  if (typeof adapter !== "string" || typeof command !== "string" || !isList(sides, isText)) {
    throw refusalOf("no adapter, command and sides");
  }
  if (!isList(rows, isRow) || rows.length === 0) throw refusalOf("no rows with ratios");
  const peers = new Set(rows.map((row) => JSON.stringify(row.peers.map(({ id }) => id))));
  if (peers.size > 1) throw refusalOf("rows with other peers");
  return { machine, adapter, command, sides, rows };
}

function isList<T>(value: unknown, isItem: (item: unknown) => item is T): value is readonly T[] {
  return Array.isArray(value) && value.every(isItem);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isRow(value: unknown): value is BesideRow {
  const { row, peers } = (value ?? {}) as Partial<BesideRow>;
  return isText(row) && isList(peers, isPeer);
}

function isPeer(value: unknown): value is Beside {
  const { id, ratio } = (value ?? {}) as Partial<Beside>;
  return isText(id) && (ratio === undefined || (Number.isFinite(ratio) && ratio > 0));
}

function refusalOf(actual: string): UserError {
  return new UserError(
    "data",
    `Cannot draw a comparison: need what bench:peers --json prints: ${actual}`,
  );
}
