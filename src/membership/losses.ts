/** Lost and refused workers: restart budget, backoff, and when a run gives up. */
import { candidates, find, isClosed, only, trimToTarget } from "./members.ts";
import type { Decision, Membership, Rules } from "./types.ts";

/** Causes of a shortage that are remembered as reported. */
const MAX_REPORTED = 16;

/** Removes a lost worker: counts it against the restart budget and schedules its replacement. */
export function lost(
  state: Membership,
  { id, why }: { id: number; why: string },
  { now, rules }: { now: number; rules: Rules },
): Decision {
  const member = find(state, id);
  if (member === undefined) return only(state);
  const { members } = trimToTarget({
    ...state,
    members: state.members.filter((m) => m.id !== id),
  });
  if (member.leaving) return only({ ...state, members });
  const losses = [...state.losses.filter((at) => now - at < rules.window), now];
  const unproductiveLosses = member.served > 0 ? 0 : state.unproductiveLosses + 1;
  // Rejections of other workers do not predict that of a replacement for one that served.
  const refused = member.served > 0 || members.length === 0 ? 0 : state.refused;
  const spawnAt = Math.max(now + backoff(unproductiveLosses, rules), replaceableAt(losses, rules));
  const next: Membership = { ...state, members, losses, unproductiveLosses, refused, spawnAt };
  const gone = `worker ${id} is lost: ${why}`;
  if (losses.length > rules.restarts && members.length === 0) {
    const end = `${overBudget(losses.length, rules)}; the last one: ${why}`;
    const commands = [{ type: "give_up", why: end }] as const;
    return { state: next, commands, reasons: [gone, end], losses: [{ id, why }] };
  }
  // Before the first quorum, a failed start is reported as a loss rather than as a shortage.
  const isReplacement = member.phase === "starting" && state.attempt > 0;
  const causes = [
    ...isReplacement ? [`Cannot start another worker: ${why}`] : [],
    ...losses.length > rules.restarts ? [overBudget(losses.length, rules)] : [],
  ].filter((cause) => !state.reportedCauses.includes(keyOf(cause)));
  const reportedCauses = [...state.reportedCauses, ...causes.map(keyOf)].slice(-MAX_REPORTED);
  const left = candidates(next).length;
  const how = left === 0 ? "trying again" : `going on with ${left} of ${state.target} workers`;
  return {
    state: { ...next, reportedCauses },
    commands: [],
    reasons: [gone, ...causes],
    ...!isReplacement && { losses: [{ id, why }] },
    ...causes.length > 0 && { shortages: causes.map((cause) => `${cause}; ${how}`) },
  };
}

/** Delay of the next start, ms: exponential in the consecutive losses that never served a step. */
function backoff(unproductive: number, { backoff: first, longestBackoff }: Rules): number {
  if (unproductive < 2) return 0;
  return Math.min(longestBackoff, first * 2 ** Math.min(unproductive - 2, 20));
}

/** When enough losses have left the window that another worker may be started. */
function replaceableAt(losses: readonly number[], { restarts, window }: Rules): number {
  const last = losses[losses.length - restarts - 1];
  return last === undefined ? -Infinity : last + window;
}

function overBudget(losses: number, { restarts, window }: Rules): string {
  const minutes = Math.round(window / 6000) / 10;
  const who = losses === 1 ? "1 worker was" : `${losses} workers were`;
  return `${who} lost within ${minutes} min, recovery.restarts allows ${restarts}`;
}

/** Identifies a cause: replaces times, names and worker numbers, which differ at each attempt. */
function keyOf(cause: string): string {
  return cause.replaceAll(/"[^"]*"|'[^']*'|\S*\/\S*|\d+/g, "#");
}

/** Removes a worker whose identity check failed. This uses no restart; the retries are limited. */
export function refused(
  state: Membership,
  { id, why }: { id: number; why: string },
  { now, rules }: { now: number; rules: Rules },
): Decision {
  if (find(state, id) === undefined) return only(state);
  const { members } = trimToTarget({
    ...state,
    members: state.members.filter((m) => m.id !== id),
  });
  const spawnAt = Math.max(state.spawnAt, now + rules.backoff);
  const next: Membership = { ...state, members, refused: state.refused + 1, spawnAt };
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
