/** Queries and updates of the members of a run. */
import type { Decision, Member, Membership } from "./types.ts";

/**
 * Consecutive refusals after which no worker is started. The first can be a race: the worker read a
 * file that was being written. A second one means that every further worker would be refused.
 */
const MAX_REFUSALS = 2;

/** Members that can join the next quorum, ordered by rank. */
export function candidates({ members }: Membership): Member[] {
  return members.filter((m) => m.phase !== "starting" && !m.leaving);
}

/** Whether the quorum can continue: every member is still serving, and no connection failed. */
export function isWhole({ formed, broken, members }: Membership): boolean {
  return formed.length > 0 && !broken &&
    formed.every(({ id }) => members.some((m) => m.id === id && m.phase === "serving"));
}

/** Whether starting workers has stopped because too many in a row were refused. */
export function isClosed({ refused }: Membership): boolean {
  return refused >= MAX_REFUSALS;
}

/** A decision that only changes the state. */
export function only(state: Membership): Decision {
  return { state, commands: [], reasons: [] };
}

/** The member `id`, or undefined. */
export function find({ members }: Membership, id: number): Member | undefined {
  return members.find((m) => m.id === id);
}

/** The state with fields of member `id` replaced; unchanged if there is no such member. */
export function change(state: Membership, id: number, changes: Partial<Member>): Membership {
  return { ...state, members: state.members.map((m) => m.id === id ? { ...m, ...changes } : m) };
}

/**
 * Keeps `target` members, in order of preference: with the state, serving, ready, starting. A
 * serving member beyond the target leaves at the next boundary; any other is removed at once.
 */
export function trimToTarget(state: Membership): Membership {
  const kept = state.members.toSorted((a, b) => priority(b) - priority(a) || a.id - b.id)
    .slice(0, state.target).map(({ id }) => id);
  const members = state.members
    .filter(({ id, phase }) => kept.includes(id) || phase === "serving")
    .map((m) => ({ ...m, leaving: !kept.includes(m.id) }));
  return { ...state, members };
}

/** Higher for members that are more costly to replace. */
function priority({ phase, holds }: Member): number {
  return (holds ? 3 : 0) + ["starting", "ready", "serving"].indexOf(phase);
}
