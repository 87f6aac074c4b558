/**
 * How long a section may take, and who is to blame when it takes longer. Pure. A device may block
 * the event loop of a healthy worker, so silence alone proves nothing; nor do signs of life prove
 * progress.
 */
import type { Member, Membership, Rules, Section } from "./types.ts";

/** Measured durations that are kept for each section. */
const KEPT = 64;

/** Adds a duration to what was measured. */
export function measured(
  pace: Membership["pace"],
  { section, ms }: { section: Section; ms: number },
): Membership["pace"] {
  return { ...pace, [section]: [...pace[section] ?? [], ms].slice(-KEPT) };
}

/** Milliseconds that a section may take. */
export function deadline(pace: Membership["pace"], section: Section, rules: Rules): number {
  const taken = pace[section];
  if (taken === undefined || taken.length === 0) return rules.unmeasured;
  const sorted = taken.toSorted((a, b) => a - b);
  const p95 = sorted[Math.min(sorted.length - 1, Math.floor(0.95 * sorted.length))] as number;
  return Math.max(rules.floor, rules.factor * p95);
}

/** A member that must not be waited for any longer. */
export interface Hung {
  readonly id: number;
  readonly why: string;
}

/** Who is hung. Of those that wait for each other only the one that most wait for is. */
export function hung(state: Membership, now: number, rules: Rules): Hung[] {
  const { members, pace } = state;
  const idle = members.filter((m) => m.section === undefined && now - m.heard > rules.idle)
    .map((m) => ({ id: m.id, why: `no sign of life for ${seconds(now - m.heard)}` }));
  // How much there is to evaluate nobody knows before: who gets further is given more time.
  const overdue = members.filter((m) =>
    m.section !== undefined &&
    now - Math.max(m.since, m.moved ?? m.since) > deadline(pace, m.section, rules)
  );
  return [...idle, ...blamed(overdue, now, rules)];
}

function blamed(overdue: readonly Member[], now: number, rules: Rules): Hung[] {
  const silent = overdue.filter((m) => now - m.heard > rules.silence);
  if (silent.length > 0) {
    return silent.map((m) => ({
      id: m.id,
      why: `${m.section} for ${seconds(now - m.since)}, no sign of life for ` +
        seconds(now - m.heard),
    }));
  }
  const busy = overdue.filter((m) => m.waitsFor.length === 0);
  if (busy.length > 0) {
    return busy.map((m) => ({ id: m.id, why: `${m.section} for ${seconds(now - m.since)}` }));
  }
  const [first] = overdue;
  if (first === undefined) return [];
  const votes = (id: number) => overdue.filter((m) => m.waitsFor.includes(id)).length;
  const awaited = overdue.flatMap((m) => m.waitsFor).toSorted((a, b) =>
    votes(b) - votes(a) || b - a
  );
  const id = awaited[0] as number;
  return [{
    id,
    why: `${votes(id)} wait for it, ${first.section} for ${seconds(now - first.since)}`,
  }];
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
