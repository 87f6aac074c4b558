/** The periodic check: removes hung members and starts missing workers. */
import { hungMembers } from "./deadline.ts";
import { lost } from "./losses.ts";
import { find, isClosed } from "./members.ts";
import type { Command, Decision, Loss, Member, Membership, Rules } from "./types.ts";

/** Kills overdue members, then starts workers up to the target. */
export function tick(before: Membership, { now, rules }: { now: number; rules: Rules }): Decision {
  // A late tick means that the coordinator itself was suspended: extend every deadline by the gap.
  const gap = now - before.lastTick;
  const shift = gap > 5 * rules.tick ? gap : 0;
  let state: Membership = {
    ...before,
    lastTick: now,
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
  // Leaving members first: they are no losses, and must not be retained as replacements below.
  const staying = ({ id }: { id: number }) => Number(find(before, id)?.leaving !== true);
  for (
    const { id, why } of hungMembers(state, now, rules).toSorted((a, b) => staying(a) - staying(b))
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
    waits: [],
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
