/**
 * Lines of a journal, as text and as values. Each line begins with a CRC-32 that also covers all lines
 * before it, so a changed, lost, swapped or repeated line shows at that line. Lines of versions before
 * the checksum are read as they are, as long as no line with one stands before them. Pure.
 */
import { parseJsonText } from "../../base/text/json.ts";
import { crc32 } from "node:zlib";

/** A value that JSON gives back as it was. */
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
  /** Wall clock as ISO 8601, for people: nothing is decided by it. */
  readonly time: string;
  readonly kind: string;
  readonly [key: string]: JournalValue | undefined;
}

/** What a text gave: its entries, the text that holds them, and why it stops there. */
export interface ParsedJournal {
  readonly entries: JournalLine[];
  /** The lines of the entries, each with its line feed. */
  readonly kept: string;
  /** CRC-32 of `kept` without its checksums: where the checksum of the next line goes on. */
  readonly crc: number;
  /** How many lines at the start are of a version without checksums. */
  readonly unsealed: number;
  /** What is wrong with the first line that is no entry, as "line 3 ...". A torn last line is no fault. */
  readonly fault?: string;
}

/** A line with its checksum: the eight hex digits, and the text that they cover. */
const SEALED = /^\{"crc32":"([0-9a-f]{8})",(.*)\}$/;
/** How lines of versions without a checksum begin. */
const EARLIER = '{"seq":';

/** The text of a line, without its line feed, and the CRC-32 that the next line goes on from. */
export function printLine(
  entry: JournalLine,
  crc: number,
): { readonly line: string; readonly crc: number } {
  const body = JSON.stringify(entry).slice(1, -1);
  const next = crcOf(body, crc);
  return { line: `{"crc32":"${hex(next)}",${body}}`, crc: next };
}

/**
 * The entries before the first line that is damaged. A last line without its line feed counts when its
 * checksum holds, and is torn otherwise: a process may be killed at any moment.
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

/** Why `text` is not the text of a journal, or undefined when it is one. */
export function journalFault(text: string): string | undefined {
  return parseJournal(text).fault;
}

/** How far a text has been read. */
interface Reading {
  readonly entries: JournalLine[];
  readonly lines: string[];
  crc: number;
  unsealed: number;
}

function parsed({ entries, lines, crc, unsealed }: Reading): ParsedJournal {
  return { entries, kept: lines.map((line) => line + "\n").join(""), crc, unsealed };
}

/** Takes a line, or says what is wrong with it. */
function read(state: Reading, whole: string): string | undefined {
  const { entries, lines, unsealed } = state;
  // An editor or a transfer may have changed the ends of all lines: that changes no value.
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

/** What is wrong with a line that has no checksum, or none that can be read. */
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
