/**
 * The failure detector: how long a section may take, and which member to suspect after that. Pure.
 * A GPU call may block a healthy worker's event loop, so a missing heartbeat is no proof of
 * failure; a heartbeat is no proof of progress.
 */
import type { Member, Membership, Rules, Section } from "./types.ts";

/** Durations kept per section. */
const HISTORY = 64;

/** Appends a measured duration. */
export function withDuration(
  durations: Membership["durations"],
  { section, ms }: { section: Section; ms: number },
): Membership["durations"] {
  return { ...durations, [section]: [...durations[section] ?? [], ms].slice(-HISTORY) };
}

/** Milliseconds that a section may take: `rules.factor` times the 95th percentile. */
export function deadline(
  durations: Membership["durations"],
  section: Section,
  rules: Rules,
): number {
  const measured = durations[section];
  if (measured === undefined || measured.length === 0) return rules.unmeasured;
  const sorted = measured.toSorted((a, b) => a - b);
  const p95 = sorted[Math.min(sorted.length - 1, Math.floor(0.95 * sorted.length))] as number;
  return Math.max(rules.floor, rules.factor * p95);
}

/** A member that is considered failed, and why. */
export interface Hung {
  readonly id: number;
  readonly why: string;
}

/** The members that are hung. Of those waiting for each other, only the most awaited one. */
export function hungMembers(state: Membership, now: number, rules: Rules): Hung[] {
  const { members, durations } = state;
  const idle = members.filter((m) => m.section === undefined && now - m.heard > rules.idle)
    .map((m) => ({ id: m.id, why: `no sign of life for ${seconds(now - m.heard)}` }));
  // The length of an evaluation is unknown in advance, so progress restarts the deadline.
  const overdue = members.filter((m) =>
    m.section !== undefined &&
    now - Math.max(m.since, m.moved ?? m.since) > deadline(durations, m.section, rules)
  );
  return [...idle, ...suspects(overdue, now, rules)];
}

function suspects(overdue: readonly Member[], now: number, rules: Rules): Hung[] {
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
