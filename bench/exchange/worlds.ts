/**
 * Steps of several worlds, as real processes, interleaved, so that background load affects all of
 * them and their ratios are comparable.
 */
import type { RunConfig } from "../../src/config/schema.ts";
import type { Corpus } from "../../src/corpus/corpus.ts";
import type { StepTimes } from "../../workers/protocol/messages.ts";
import type { WorkerGroup } from "../../workers/group/worker_group.ts";
import { benchTeam } from "./team.ts";
import { median } from "../time.ts";

/** Rounds of each world, steps per round, and how many of these are dropped. */
const TURNS = 6;
const STEPS = 8;
const WARM_UP = 2;

/** Milliseconds of one step. */
interface Lap extends Omit<StepTimes, "waited"> {
  readonly step: number;
  /** Time that rank 0 does not account for: orders and votes in transit, and waiting for them. */
  readonly rest: number;
}

/** Milliseconds of one step of a world, medians over its steps. */
export interface WorldTimes extends Lap {
  readonly world: number;
}

const PARTS = ["step", "compute", "exchange", "write", "inspect", "rest"] as const;

/** Times a step of `config` with each number of workers. */
export async function timeWorlds(
  config: RunConfig,
  corpus: Corpus,
  worlds: readonly number[],
): Promise<WorldTimes[]> {
  const teams = worlds.map((workers) => benchTeam({ ...config, workers }, corpus));
  const laps: Lap[][] = teams.map(() => []);
  try {
    for (const team of teams) {
      await team.open();
      await team.form(0);
    }
    for (let turn = 0; turn < TURNS; turn++) {
      for (const [k, team] of teams.entries()) {
        laps[k]?.push(...(await lapsOf(team, turn * STEPS)).slice(WARM_UP));
      }
    }
  } finally {
    for (const team of teams) await team.close();
  }
  return worlds.map((world, k) => {
    const of = (part: keyof Lap) => median((laps[k] as Lap[]).map((lap) => lap[part]));
    return {
      world,
      ...Object.fromEntries(PARTS.map((part) => [part, of(part)])) as unknown as Lap,
    };
  });
}

/** Some steps of a worker group, from `first` on. */
async function lapsOf(team: WorkerGroup, first: number): Promise<Lap[]> {
  const laps: Lap[] = [];
  const end = first + STEPS;
  let start = performance.now();
  await team.order({ type: "step", step: first });
  for (let step = first; step < end; step++) {
    const [vote] = await team.expect("vote");
    await team.order({ type: "commit", step, next: step + 1 < end });
    if (vote === undefined) continue;
    const now = performance.now();
    const { waited: _, ...times } = vote.reply.times;
    const rest = now - start - times.compute - times.exchange - times.write - times.inspect;
    laps.push({ ...times, step: now - start, rest });
    start = now;
  }
  return laps;
}
