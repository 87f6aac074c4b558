/**
 * Fuzzes the journal reader with mutated journals. It must return a prefix of the entries written,
 * and all of them unless it reports a fault or the end is torn. A line that lost its whole checksum
 * reads as one of an earlier version: it may be changed until a later checksum that covers it matches.
 */
import { parseJournal, printLine } from "../../src/report/journal/journal_lines.ts";
import type { JournalLine } from "../../src/report/journal/journal.ts";
import { recordedIn } from "../../workers/run/journal/recorded.ts";
import { dice, mutate, same } from "./dice.ts";
import { Violation } from "./frames.ts";

const STAMP = { at: 0.5, time: "2026-01-02T03:04:05.678Z" };
const KINDS: readonly Readonly<Record<string, number | string | number[]>>[] = [
  { kind: "start", name: "größer", from: 0, steps: 400 },
  { kind: "saved", step: 200, state: "ab".repeat(32) },
  { kind: "skip", step: 237, skips: [236, 237], reason: "the loss is NaN" },
  { kind: "rewind", from: 237, to: 200 },
  { kind: "saved", step: 300 },
  { kind: "removed", steps: [200] },
];
const ENTRIES = KINDS.map((entry, seq) => ({ ...STAMP, ...entry, seq }) as unknown as JournalLine);
const TEXT = ENTRIES.reduce(({ text, crc }, { seq, at, time, kind, ...rest }) => {
  const next = printLine({ seq, at, time, kind, ...rest }, crc);
  return { text: text + next.line + "\n", crc: next.crc };
}, { text: "", crc: 0 }).text;
const BYTES = new TextEncoder().encode(TEXT);

/** Runs one round; returns its outcome. @throws {Violation} */
export function journalRound(seed: number, round: number): string {
  const what = `journal, seed ${seed}, round ${round}`;
  const text = new TextDecoder().decode(mutate(BYTES, dice(seed, round)));
  const found = parseJournal(text);
  const { entries, fault } = found;
  const unproven = found.unsealed === entries.length;
  for (const [i, entry] of entries.entries()) {
    if (!unproven && !same({ ...entry }, { ...ENTRIES[i] })) {
      throw new Violation(`${what}: line ${i + 1} lies`);
    }
  }
  if (fault !== undefined && !fault.startsWith(`line ${entries.length + 1} `)) {
    throw new Violation(`${what}: another line than the next is named: ${fault}`);
  }
  if (unproven && entries.length > 0) return "lines without checksums alone";
  const recorded = recordedIn(found);
  if (recorded.fault !== undefined) throw new Violation(`${what}: refused: ${recorded.fault}`);
  if (entries.length === ENTRIES.length && fault === undefined) return "sound";
  return fault?.replace(/^line \d+ /, "").replace(/ \d+: it has.*/, "") ?? "the end is torn";
}
