/** Lines of a journal, as text and as values. Pure; knows nothing of files or clocks. */

/** A value that JSON gives back as it was. */
export type Plain =
  | string
  | number
  | boolean
  | null
  | readonly Plain[]
  | { readonly [key: string]: Plain | undefined };

/** A line of a journal. */
export interface JournalLine {
  /** Numbers the lines of a file from 0 without a gap, over all resumes. */
  readonly seq: number;
  /** Seconds since its process started, to the millisecond. */
  readonly at: number;
  /** Wall clock as ISO 8601, for people: nothing is decided by it. */
  readonly time: string;
  readonly kind: string;
  readonly [key: string]: Plain | undefined;
}

/** What a text gave: its entries, the text that holds them, and why it stops there. */
export interface ParsedJournal {
  readonly entries: JournalLine[];
  readonly kept: string;
  readonly fault?: string;
}

/** The entries before the first line that is torn or breaks a rule. */
export function parseJournal(text: string): ParsedJournal {
  const entries: JournalLine[] = [];
  let end = 0;
  for (const line of endedLines(text)) {
    const value = parseLine(line);
    const fault = lineFault(value, entries.length);
    if (fault !== undefined) {
      return { entries, kept: text.slice(0, end), fault: `Line ${entries.length + 1} ${fault}` };
    }
    entries.push(value as JournalLine);
    end += line.length + 1;
  }
  const kept = text.slice(0, end);
  return kept === text ? { entries, kept } : { entries, kept, fault: "The last line is torn" };
}

/**
 * Why `text` is not the text of a journal, or undefined when it is one. A torn last line is no
 * fault: a process may be killed at any moment, and the next one cuts it off.
 */
export function journalFault(text: string): string | undefined {
  return parseJournal(text.slice(0, text.lastIndexOf("\n") + 1)).fault;
}

/** Lines that end with a line feed, without it. */
export function endedLines(text: string): string[] {
  return text.split("\n").slice(0, -1);
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
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
