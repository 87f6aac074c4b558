/**
 * Formats and parses the lines of a journal. Each line begins with a CRC-32 over it and all lines
 * before it, which detects changed, lost, swapped and repeated lines. Lines of versions without the
 * checksum are accepted at the start of a file. Pure.
 */
import { parseJsonText } from "../../base/text/json.ts";
import { crc32 } from "node:zlib";

/** A value that JSON round-trips. */
export type JournalValue =
  | string
  | number
  | boolean
  | null
  | readonly JournalValue[]
  | { readonly [key: string]: JournalValue | undefined };

/** A line of a journal. */
export interface JournalLine {
  /** Numbers the lines of a file from 0 without a gap, over all resumes. */
  readonly seq: number;
  /** Seconds since its process started, to the millisecond. */
  readonly at: number;
  /** Wall clock as ISO 8601, for information only. */
  readonly time: string;
  readonly kind: string;
  readonly [key: string]: JournalValue | undefined;
}

/** A parsed journal: its entries, their text, and the first fault. */
export interface ParsedJournal {
  readonly entries: JournalLine[];
  /** The lines of the entries, each with its line feed. */
  readonly kept: string;
  /** CRC-32 of `kept` without its checksums, which the next line continues. */
  readonly crc: number;
  /** Number of lines without checksums at the start. */
  readonly unsealed: number;
  /** The fault of the first invalid line, as "line 3 ..."; a torn last line is no fault. */
  readonly fault?: string;
}

/** A line with its checksum: eight hex digits, and the text that they cover. */
const SEALED = /^\{"crc32":"([0-9a-f]{8})",(.*)\}$/;
/** The start of a line without a checksum. */
const EARLIER = '{"seq":';

/** The text of a line without its line feed, and the CRC-32 for the next line. */
export function printLine(
  entry: JournalLine,
  crc: number,
): { readonly line: string; readonly crc: number } {
  const body = JSON.stringify(entry).slice(1, -1);
  const next = crcOf(body, crc);
  return { line: `{"crc32":"${hex(next)}",${body}}`, crc: next };
}

/**
 * The entries before the first damaged line. A last line without its line feed counts if its
 * checksum matches; otherwise it is torn, since a process may be killed at any time.
 */
export function parseJournal(text: string): ParsedJournal {
  const state: Reading = { entries: [], lines: [], crc: 0, unsealed: 0 };
  const lines = text.split("\n");
  const last = lines.pop() ?? "";
  for (const line of lines) {
    const fault = read(state, line);
    if (fault !== undefined) {
      return { ...parsed(state), fault: `line ${state.entries.length + 1} ${fault}` };
    }
  }
  const end = last.lastIndexOf("}") + 1;
  if (last.startsWith('{"crc32":')) read(state, last.slice(0, end));
  return parsed(state);
}

/** Why `text` is not a valid journal, or undefined. */
export function journalFault(text: string): string | undefined {
  return parseJournal(text).fault;
}

/** The state of the parser. */
interface Reading {
  readonly entries: JournalLine[];
  readonly lines: string[];
  crc: number;
  unsealed: number;
}

function parsed({ entries, lines, crc, unsealed }: Reading): ParsedJournal {
  return { entries, kept: lines.map((line) => line + "\n").join(""), crc, unsealed };
}

/** Parses a line; returns its fault, or undefined. */
function read(state: Reading, whole: string): string | undefined {
  const { entries, lines, unsealed } = state;
  // An editor or a transfer may have converted line endings, which changes no value.
  const line = whole.endsWith("\r") ? whole.slice(0, -1) : whole;
  const [, stored, body] = SEALED.exec(line) ?? [];
  const isEarlier = body === undefined && line.startsWith(EARLIER) && unsealed === entries.length;
  if (body === undefined && !isEarlier) return faultWithout(line);
  const crc = crcOf(body ?? line, state.crc);
  if (stored !== undefined && stored !== hex(crc)) {
    return unsealed > 0 && unsealed === entries.length
      ? `does not match its checksum, which covers the ${unsealed} before it, without one, as well`
      : "does not match its checksum";
  }
  const value = parseLine(line);
  const fault = lineFault(value, entries.length);
  if (fault !== undefined) return fault;
  const { crc32: _, ...entry } = value as JournalLine;
  entries.push(entry as JournalLine);
  lines.push(line);
  state.crc = crc;
  if (body === undefined) state.unsealed++;
  return undefined;
}

/** The fault of a line without a readable checksum. */
function faultWithout(line: string): string {
  const value = parseLine(line);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return "is not a JSON object";
  }
  return "has no checksum";
}

function crcOf(body: string, before: number): number {
  return crc32(body + "\n", before);
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}

function parseLine(line: string): unknown {
  try {
    return parseJsonText(line);
  } catch {
    return undefined;
  }
}

function lineFault(value: unknown, seq: number): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return "is not a JSON object";
  }
  const line = value as Record<string, unknown>;
  if (line["seq"] !== seq) return `must have seq ${seq}: it has ${JSON.stringify(line["seq"])}`;
  const { at, time, kind } = line;
  if (typeof at !== "number" || at < 0) return "must have seconds as at";
  if (typeof time !== "string" || Number.isNaN(Date.parse(time))) return "must have a time";
  if (typeof kind !== "string" || kind === "") return "must have a kind";
  return undefined;
}
