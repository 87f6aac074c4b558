/** Forms the next quorum at a step boundary. */
import { equalShares } from "./balance.ts";
import { candidates, isWhole, only, trimToTarget } from "./members.ts";
import type { Command, Decision, Member, Membership, QuorumMember, Rules } from "./types.ts";

/** Whether the next boundary forms a new quorum; the current one may still be whole. */
export function wantsForming(state: Membership): boolean {
  const able = candidates(state);
  if (able.length === 0) return false;
  // The first quorum waits for all workers; after a loss or refusal, train with those available.
  const isFirst = state.attempt === 0 && state.losses.length === 0 && state.refused === 0;
  if (isFirst && able.length < state.target) return false;
  return !isWhole(state) || state.shares !== undefined || !isFormed(able, state);
}

/** Whether these members, by rank, are the current quorum. */
function isFormed(able: readonly Member[], { formed }: Membership): boolean {
  return able.length === formed.length && able.every((m, rank) => m.id === formed[rank]?.id);
}

/** Forms the next quorum, if one is wanted. */
export function boundary(
  before: Membership,
  { now, rules }: { now: number; rules: Rules },
): Decision {
  const state = trimToTarget(before);
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
    waits: [],
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
      sinceRebalance: 0,
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
