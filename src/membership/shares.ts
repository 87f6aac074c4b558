/** Records how fast workers compute, and rebalances their micro-batch shares. */
import { balancedShares, makespan, SPEED_SAMPLES, speedOf } from "./balance.ts";
import { find, only } from "./members.ts";
import type { Decision, Membership, Rules } from "./types.ts";

/** A straggler delays a step by more than this many ms, and by this factor more than the others. */
const STRAGGLER_MS = 20;
const STRAGGLER_FACTOR = 4;

/** Records the time of a worker's micro-batches, and its waits for each rank's data. */
export function computed(
  state: Membership,
  { id, ms, waited }: { id: number; ms: number; waited: readonly number[] },
): Membership {
  const count = state.formed.find((place) => place.id === id)?.count ?? 0;
  const members = state.members.map((m) => {
    const rank = state.formed.findIndex((place) => place.id === m.id);
    const wait = waited[rank];
    if (m.id === id) return count === 0 ? m : { ...m, speeds: latest(m.speeds, ms / count) };
    return wait === undefined ? m : { ...m, waits: latest(m.waits, wait) };
  });
  return { ...state, members };
}

function latest(values: readonly number[], value: number): number[] {
  return [...values, value].slice(-SPEED_SAMPLES);
}

/** Every `rules.rebalanceEvery` steps, checks whether other shares would shorten a step. */
export function committed(before: Membership, rules: Rules): Decision {
  const members = before.members.map((m) =>
    m.phase === "serving" ? { ...m, served: m.served + 1 } : m
  );
  const state: Membership = { ...before, members, sinceRebalance: before.sinceRebalance + 1 };
  if (state.sinceRebalance < rules.rebalanceEvery) return only(state);
  const checked: Membership = { ...state, sinceRebalance: 0 };
  const ms = state.formed.map(({ id }) => speedOf(find(state, id)?.speeds ?? []));
  if (ms.length < 2 || ms.some((each) => each === undefined)) return only(checked);
  const late = stragglers(state);
  const speeds = ms as number[];
  const current = state.formed.map(({ count }) => count);
  const better = balancedShares(rules.microBatches, speeds);
  const [slow, fast] = [makespan(current, speeds), makespan(better, speeds)];
  if (!(1 - fast / slow >= rules.gain)) return { state: checked, commands: [], reasons: late };
  const each = state.formed.map(({ id }, rank) => `worker ${id} ${speeds[rank]?.toFixed(1)} ms`);
  const reason = `shares ${current.join("+")} become ${better.join("+")}: per micro-batch ` +
    `${each.join(", ")}; a step's computing takes ${fast.toFixed(0)} instead of ${
      slow.toFixed(0)
    } ms`;
  return { state: { ...checked, shares: better }, commands: [], reasons: [...late, reason] };
}

/** One line for each worker whose data is waited for much longer than the others'. */
function stragglers({ formed, members }: Membership): string[] {
  const delays = formed.flatMap(({ id }) => {
    const { waits = [] } = members.find((m) => m.id === id) ?? {};
    if (waits.length < SPEED_SAMPLES) return [];
    // Lower quartile: one slow link delays both of its ends, and whoever waits for one of them.
    const ms = waits.toSorted((a, b) => a - b)[Math.floor(waits.length / 4)] as number;
    return [{ id, ms }];
  });
  const least = delays.reduce((least, { ms }) => Math.min(least, ms), Infinity);
  return delays.filter(({ ms }) => ms > STRAGGLER_MS && ms > STRAGGLER_FACTOR * least)
    .map(({ id, ms }) =>
      `worker ${id} is waited for: ${ms.toFixed(0)} ms in a step, another ${least.toFixed(0)} ms`
    );
}
