/**
 * All decisions about who takes part: `(state, event, now) -> (state, commands, reasons)`. Pure. It
 * starts, takes in, lets go and gives up workers; what a step is, it does not know.
 */
import { balancedShares, equalShares, SAMPLES, span, speedOf } from "./balance.ts";
import { hung, measured } from "./deadline.ts";
import type {
  Command,
  Decision,
  Loss,
  Member,
  Membership,
  MembershipEvent,
  QuorumMember,
  Rules,
} from "./types.ts";

/** Causes of a shortage that are remembered as told. */
const MOST_TOLD = 16;

/** A straggler is waited for this many ms, and this many times as long as another one. */
const LATE_MS = 20;
const LATE = 4;

/**
 * Refusals in a row after which no worker is started. One worker may have started while a file was being
 * written; after two, more would be refused as well.
 */
const REFUSALS = 2;

/** The state of a run that wants `target` workers and has none. */
export function noMembers(target: number, now: number): Membership {
  return {
    attempt: 0,
    target,
    nextId: 0,
    members: [],
    formed: [],
    broken: false,
    shares: undefined,
    losses: [],
    barren: 0,
    refused: 0,
    spawnAt: now,
    told: [],
    pace: {},
    sinceWeighed: 0,
    ticked: now,
  };
}

/** Those that can take part in the next formation, in order of rank. */
export function candidates({ members }: Membership): Member[] {
  return members.filter((m) => m.phase !== "starting" && !m.leaving);
}

/** Whether the next boundary makes another formation; the one that stands may still be sound. */
export function wantsForming(state: Membership): boolean {
  const able = candidates(state);
  if (able.length === 0) return false;
  // The first formation waits for all; once one was lost nobody waits for who comes back.
  const isFirst = state.attempt === 0 && state.losses.length === 0 && state.refused === 0;
  if (isFirst && able.length < state.target) return false;
  return !isWhole(state) || state.shares !== undefined || !isFormed(able, state);
}

/** Whether these members, by rank, are those of the formation. */
function isFormed(able: readonly Member[], { formed }: Membership): boolean {
  return able.length === formed.length && able.every((m, rank) => m.id === formed[rank]?.id);
}

/** Whether the formation can go on: none of it is gone, and no conversation of it failed. */
export function isWhole({ formed, broken, members }: Membership): boolean {
  return formed.length > 0 && !broken &&
    formed.every(({ id }) => members.some((m) => m.id === id && m.phase === "serving"));
}

/** Whether no worker is started any more, since those before were refused. */
export function isClosed({ refused }: Membership): boolean {
  return refused >= REFUSALS;
}

/** Decides what follows from an event. `now`: milliseconds on a steady clock. */
export function decide(
  state: Membership,
  event: MembershipEvent,
  { now, rules }: { now: number; rules: Rules },
): Decision {
  switch (event.type) {
    case "joined":
      return only(change(state, event.id, { heard: now }));
    case "ready":
      return ready(state, event.id, now);
    case "heard":
      return only(change(state, event.id, {
        heard: now,
        waitsFor: event.waitsFor,
        ...event.moved && { moved: now },
      }));
    case "ordered": {
      const { section } = event;
      return only(change(state, event.id, { section, since: now, waitsFor: [] }));
    }
    case "answered":
      return only(answered(state, event.id, now));
    case "computed":
      return only(computed(state, event));
    case "lost":
      return lost(state, event, { now, rules });
    case "refused":
      return refused(state, event, { now, rules });
    case "broken":
      return { state: { ...state, broken: true }, commands: [], reasons: [event.why] };
    case "settled": {
      const ids = state.formed.map(({ id }) => id);
      const { holds } = event;
      return only({
        ...state,
        members: state.members.map((m) => ids.includes(m.id) ? { ...m, holds } : m),
      });
    }
    case "committed":
      return committed(state, rules);
    case "want":
      return want(state, event.workers, now);
    case "boundary":
      return boundary(state, { now, rules });
    case "tick":
      return tick(state, { now, rules });
  }
}

function only(state: Membership): Decision {
  return { state, commands: [], reasons: [] };
}

function find({ members }: Membership, id: number): Member | undefined {
  return members.find((m) => m.id === id);
}

function change(state: Membership, id: number, changes: Partial<Member>): Membership {
  return { ...state, members: state.members.map((m) => m.id === id ? { ...m, ...changes } : m) };
}

function ready(state: Membership, id: number, now: number): Decision {
  const next = answered(state, id, now);
  return {
    state: { ...change(next, id, { phase: "ready" }), refused: 0, told: [] },
    commands: [],
    reasons: find(state, id) === undefined ? [] : [`worker ${id} is ready`],
  };
}

/** What was asked of a member is done; the time it took sets the next deadline. */
function answered(state: Membership, id: number, now: number): Membership {
  const member = find(state, id);
  if (member?.section === undefined) return state;
  const pace = measured(state.pace, { section: member.section, ms: now - member.since });
  const changes = { section: undefined, since: now, heard: now, waitsFor: [] };
  return change({ ...state, pace }, id, changes);
}

function computed(
  state: Membership,
  { id, ms, waited }: { id: number; ms: number; waited: readonly number[] },
): Membership {
  const count = state.formed.find((place) => place.id === id)?.count ?? 0;
  const members = state.members.map((m) => {
    const rank = state.formed.findIndex((place) => place.id === m.id);
    const wait = waited[rank];
    if (m.id === id) return count === 0 ? m : { ...m, speeds: latest(m.speeds, ms / count) };
    return wait === undefined ? m : { ...m, awaited: latest(m.awaited, wait) };
  });
  return { ...state, members };
}

function latest(values: readonly number[], value: number): number[] {
  return [...values, value].slice(-SAMPLES);
}

function lost(
  state: Membership,
  { id, why }: { id: number; why: string },
  { now, rules }: { now: number; rules: Rules },
): Decision {
  const member = find(state, id);
  if (member === undefined) return only(state);
  const { members } = whoStays({
    ...state,
    members: state.members.filter((m) => m.id !== id),
  });
  if (member.leaving) return only({ ...state, members });
  const losses = [...state.losses.filter((at) => now - at < rules.window), now];
  const barren = member.served > 0 ? 0 : state.barren + 1;
  // Refusals of other workers say nothing about a replacement for one that served.
  const refused = member.served > 0 || members.length === 0 ? 0 : state.refused;
  const next = { ...state, members, losses, barren, refused };
  const spawnAt = Math.max(now + backoff(barren, rules), replaceableAt(losses, rules));
  const gone = `worker ${id} is lost: ${why}`;
  if (losses.length > rules.restarts && members.length === 0) {
    const end = `${overBudget(losses.length, rules)}; the last one: ${why}`;
    const commands = [{ type: "give_up", why: end }] as const;
    return {
      state: { ...next, spawnAt },
      commands,
      reasons: [gone, end],
      losses: [{ id, why }],
    };
  }
  // Before the first formation there is nothing to go on with: a start that fails is a loss.
  const isReplacement = member.phase === "starting" && state.attempt > 0;
  const causes = [
    ...isReplacement ? [`Cannot start another worker: ${why}`] : [],
    ...losses.length > rules.restarts ? [overBudget(losses.length, rules)] : [],
  ].filter((cause) => !state.told.includes(keyOf(cause)));
  const told = [...state.told, ...causes.map(keyOf)].slice(-MOST_TOLD);
  const left = candidates(next).length;
  const how = left === 0 ? "trying again" : `going on with ${left} of ${state.target} workers`;
  return {
    state: { ...next, spawnAt, told },
    commands: [],
    reasons: [gone, ...causes],
    ...!isReplacement && { losses: [{ id, why }] },
    ...causes.length > 0 && { shortages: causes.map((cause) => `${cause}; ${how}`) },
  };
}

/** Wait before the next start, ms, after `barren` workers in a row that came to nothing. */
function backoff(barren: number, { backoff: first, longestBackoff }: Rules): number {
  return barren < 2 ? 0 : Math.min(longestBackoff, first * 2 ** Math.min(barren - 2, 20));
}

/** When so many losses have left the window that another worker may be started. */
function replaceableAt(losses: readonly number[], { restarts, window }: Rules): number {
  const last = losses[losses.length - restarts - 1];
  return last === undefined ? -Infinity : last + window;
}

function overBudget(losses: number, { restarts, window }: Rules): string {
  const minutes = Math.round(window / 6000) / 10;
  const who = losses === 1 ? "1 worker was" : `${losses} workers were`;
  return `${who} lost within ${minutes} min, recovery.restarts allows ${restarts}`;
}

/** What tells a cause from others: times, names and numbers of workers in it differ at each try. */
function keyOf(cause: string): string {
  return cause.replaceAll(/"[^"]*"|'[^']*'|\S*\/\S*|\d+/g, "#");
}

/** A worker that differs from the run costs none of its restarts: it is tried twice in a row at most. */
function refused(
  state: Membership,
  { id, why }: { id: number; why: string },
  { now, rules }: { now: number; rules: Rules },
): Decision {
  if (find(state, id) === undefined) return only(state);
  const { members } = whoStays({ ...state, members: state.members.filter((m) => m.id !== id) });
  const spawnAt = Math.max(state.spawnAt, now + rules.backoff);
  const next = { ...state, members, refused: state.refused + 1, spawnAt };
  const reasons = [`worker ${id} differs from the run: ${why}`];
  if (!isClosed(next)) return { state: next, commands: [], reasons };
  if (members.length === 0) {
    return { state: next, commands: [{ type: "strand", why: reasons.join() }], reasons };
  }
  return {
    state: next,
    commands: [],
    reasons: [...reasons, `no other worker is started: ${next.refused} in a row were turned away`],
  };
}

/** Weighs now and then whether other shares of the micro-batches would make steps shorter. */
function committed(before: Membership, rules: Rules): Decision {
  const members = before.members.map((m) =>
    m.phase === "serving" ? { ...m, served: m.served + 1 } : m
  );
  const state = { ...before, members, sinceWeighed: before.sinceWeighed + 1 };
  if (state.sinceWeighed < rules.weighEvery) return only(state);
  const weighed = { ...state, sinceWeighed: 0 };
  const ms = state.formed.map(({ id }) => speedOf(find(state, id)?.speeds ?? []));
  if (ms.length < 2 || ms.some((each) => each === undefined)) return only(weighed);
  const late = stragglers(state);
  const speeds = ms as number[];
  const now = state.formed.map(({ count }) => count);
  const better = balancedShares(rules.microBatches, speeds);
  const [slow, fast] = [span(now, speeds), span(better, speeds)];
  if (!(1 - fast / slow >= rules.gain)) return { state: weighed, commands: [], reasons: late };
  const each = state.formed.map(({ id }, rank) => `worker ${id} ${speeds[rank]?.toFixed(1)} ms`);
  const reason = `shares ${now.join("+")} become ${better.join("+")}: per micro-batch ` +
    `${each.join(", ")}; a step's computing takes ${fast.toFixed(0)} instead of ${
      slow.toFixed(0)
    } ms`;
  return { state: { ...weighed, shares: better }, commands: [], reasons: [...late, reason] };
}

/** Who is waited for much longer than the others are. */
function stragglers({ formed, members }: Membership): string[] {
  const waits = formed.flatMap(({ id }) => {
    const { awaited = [] } = members.find((m) => m.id === id) ?? {};
    if (awaited.length < SAMPLES) return [];
    // The lower quarter: one slow link makes two wait for each other, and others for one of them.
    const ms = awaited.toSorted((a, b) => a - b)[Math.floor(awaited.length / 4)] as number;
    return [{ id, ms }];
  });
  const least = waits.reduce((least, { ms }) => Math.min(least, ms), Infinity);
  return waits.filter(({ ms }) => ms > LATE_MS && ms > LATE * least)
    .map(({ id, ms }) =>
      `worker ${id} is waited for: ${ms.toFixed(0)} ms in a step, another ${least.toFixed(0)} ms`
    );
}

/** The user asks for workers: losses, refusals and waits of before no longer count. */
function want(before: Membership, workers: number, now: number): Decision {
  const fresh = { losses: [], barren: 0, refused: 0, spawnAt: now, told: [] };
  const state = whoStays({ ...before, ...fresh, target: workers });
  const commands = before.members.filter(({ id }) => find(state, id) === undefined)
    .map(({ id }): Command => ({ type: "release", id }));
  const reasons = [`${workers} workers are wanted instead of ${before.target}`];
  return { state, commands, reasons };
}

/**
 * As many members as are wanted stay: those that hold the state first, then those that serve, are
 * ready, start. Of the others those that serve leave at the next boundary, the rest is gone.
 */
function whoStays(state: Membership): Membership {
  const staying = state.members.toSorted((a, b) => useOf(b) - useOf(a) || a.id - b.id)
    .slice(0, state.target).map(({ id }) => id);
  const members = state.members
    .filter(({ id, phase }) => staying.includes(id) || phase === "serving")
    .map((m) => ({ ...m, leaving: !staying.includes(m.id) }));
  return { ...state, members };
}

/** What would be lost with a member. */
function useOf({ phase, holds }: Member): number {
  return (holds ? 3 : 0) + ["starting", "ready", "serving"].indexOf(phase);
}

/** Makes the next formation, if another is wanted. */
function boundary(before: Membership, { now, rules }: { now: number; rules: Rules }): Decision {
  const state = whoStays(before);
  if (!wantsForming(state)) return only(state);
  const able = candidates(state);
  const counts = isFormed(able, state)
    ? state.shares ?? state.formed.map(({ count }) => count)
    : equalShares(rules.microBatches, able.length);
  const places = able.map(({ id, workerId, holds }, rank): QuorumMember => ({
    id,
    workerId,
    count: counts[rank] as number,
    holds,
  }));
  const attempt = state.attempt + 1;
  const leaving = state.members.filter((m) => m.leaving);
  const members = able.map((m): Member => ({
    ...m,
    phase: "serving",
    section: "form",
    since: now,
    waitsFor: [],
    speeds: [],
    awaited: [],
  }));
  const starting = state.members.filter((m) => m.phase === "starting" && !m.leaving);
  return {
    state: {
      ...state,
      attempt,
      members: [...members, ...starting].sort((a, b) => a.id - b.id),
      formed: places,
      broken: false,
      shares: undefined,
      sinceWeighed: 0,
    },
    commands: [
      ...leaving.map(({ id }): Command => ({ type: "release", id })),
      { type: "form", attempt, places },
    ],
    reasons: [
      `attempt ${attempt}: ${
        places.map(({ id, count }) => `worker ${id} takes ${count}`).join(", ")
      }`,
    ],
  };
}

function tick(before: Membership, { now, rules }: { now: number; rules: Rules }): Decision {
  // A coordinator that stood still must not blame the workers for it.
  const gap = now - before.ticked;
  const shift = gap > 5 * rules.tick ? gap : 0;
  let state: Membership = {
    ...before,
    ticked: now,
    members: before.members.map((m) => ({
      ...m,
      since: Math.min(now, m.since + shift),
      ...m.moved !== undefined && { moved: Math.min(now, m.moved + shift) },
      heard: Math.min(now, m.heard + shift),
    })),
  };
  let commands: readonly Command[] = [];
  let reasons: readonly string[] = [];
  let losses: readonly Loss[] = [];
  let shortages: readonly string[] = [];
  // Who was to go comes first: it is no loss, and must not stay for another that is lost with it.
  const staying = ({ id }: { id: number }) => Number(find(before, id)?.leaving !== true);
  for (
    const { id, why } of hung(state, now, rules).toSorted((a, b) => staying(a) - staying(b))
  ) {
    const decision = lost(state, { id, why: `hung: ${why}` }, { now, rules });
    state = decision.state;
    commands = [...commands, { type: "kill", id, why }, ...decision.commands];
    reasons = [...reasons, ...decision.reasons];
    losses = [...losses, ...decision.losses ?? []];
    shortages = [...shortages, ...decision.shortages ?? []];
  }
  const missing = Math.min(
    state.target - state.members.filter((m) => !m.leaving).length,
    rules.microBatches - state.members.length,
  );
  if (missing <= 0 || now < state.spawnAt || isClosed(state)) {
    return { state, commands, reasons, losses, shortages };
  }
  const taken = state.members.map(({ workerId }) => workerId);
  const free = Array.from({ length: taken.length + missing }, (_, workerId) => workerId)
    .filter((workerId) => !taken.includes(workerId)).slice(0, missing);
  const started = free.map((workerId, i): Member => ({
    id: state.nextId + i,
    workerId,
    phase: "starting",
    holds: false,
    leaving: false,
    section: "start",
    since: now,
    heard: now,
    waitsFor: [],
    served: 0,
    speeds: [],
    awaited: [],
  }));
  return {
    state: {
      ...state,
      nextId: state.nextId + missing,
      members: [...state.members, ...started],
    },
    commands: [
      ...commands,
      ...started.map(({ id, workerId }): Command => ({ type: "spawn", id, workerId })),
    ],
    reasons: [...reasons, ...started.map(({ id }) => `worker ${id} starts`)],
    losses,
    shortages,
  };
}
