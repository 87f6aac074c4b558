/**
 * Group membership as a pure state machine: `(state, event, now) -> (state, commands, reasons)`.
 * Decides which workers to start, admit, release and give up.
 */
import { withDuration } from "./deadline.ts";
import { lost, refused } from "./losses.ts";
import { change, find, only, trimToTarget } from "./members.ts";
import { boundary } from "./quorum.ts";
import { committed, computed } from "./shares.ts";
import { tick } from "./tick.ts";
import type { Command, Decision, Membership, MembershipEvent, Rules } from "./types.ts";

export { candidates, isClosed, isWhole } from "./members.ts";
export { wantsForming } from "./quorum.ts";

/** The initial state of a run of `target` workers. */
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
    unproductiveLosses: 0,
    refused: 0,
    spawnAt: now,
    reportedCauses: [],
    durations: {},
    sinceRebalance: 0,
    lastTick: now,
  };
}

/** Applies an event. `now`: milliseconds of a monotonic clock. */
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

function ready(state: Membership, id: number, now: number): Decision {
  const next = answered(state, id, now);
  return {
    state: { ...change(next, id, { phase: "ready" }), refused: 0, reportedCauses: [] },
    commands: [],
    reasons: find(state, id) === undefined ? [] : [`worker ${id} is ready`],
  };
}

/** Ends a member's section. Its duration enters the estimate of the next deadline. */
function answered(state: Membership, id: number, now: number): Membership {
  const member = find(state, id);
  if (member?.section === undefined) return state;
  const { section, since } = member;
  const durations = withDuration(state.durations, { section, ms: now - since });
  const changes = { section: undefined, since: now, heard: now, waitsFor: [] };
  return change({ ...state, durations }, id, changes);
}

/** Sets the target. A request by the user also resets the restart budget and the backoff. */
function want(before: Membership, workers: number, now: number): Decision {
  const state = trimToTarget({
    ...before,
    target: workers,
    losses: [],
    unproductiveLosses: 0,
    refused: 0,
    spawnAt: now,
    reportedCauses: [],
  });
  const commands = before.members.filter(({ id }) => find(state, id) === undefined)
    .map(({ id }): Command => ({ type: "release", id }));
  const reasons = [`${workers} workers are wanted instead of ${before.target}`];
  return { state, commands, reasons };
}
