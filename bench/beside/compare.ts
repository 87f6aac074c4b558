/**
 * Runs rows on all sides in turns: a round of each, then the next round, so that a machine that is
 * busy for a while is so for all. It knows orders and answers, no library.
 */
import { median } from "../time.ts";
import { Refused, Side } from "./child.ts";
import type { Hello, Start } from "./child.ts";
import { disagreement, type Outcome, type RowResult } from "./result.ts";

/** A side to be compared, and how far its results may be off. */
export interface Contestant {
  readonly id: string;
  readonly start: Start;
  /** `webgpu` sides have our adapter and driver, `wasm` sides the cores of this machine. */
  readonly family: "ours" | "webgpu" | "wasm" | "torch";
  /** Its numbers have fewer bits than f32. */
  readonly narrow: boolean;
}

/** How much is measured. */
export interface Effort {
  readonly rounds: number;
  /** Seconds of work in a round, about. */
  readonly roundSeconds: number;
  /** Seconds until a side must have answered. */
  readonly openSeconds: number;
  /** Seconds for everything; rounds are cut short and rows left out to keep to it. */
  readonly totalSeconds?: number;
}

/** A side that has opened a row. */
interface Opened {
  readonly contestant: Contestant;
  /** Calls in a round. */
  readonly times: number;
  readonly values: readonly number[];
  /** Seconds of one call, by round. */
  readonly laps: number[];
}

/** Calls in a round, at most. */
const MOST = 5000;

/** The sides of a comparison; one that died is started again for the next row. */
export class Field {
  readonly #contestants: readonly Contestant[];
  readonly #effort: Effort;
  readonly #sides = new Map<string, Side>();
  readonly #end: number;
  /** What sides said of themselves when they came up. */
  readonly hellos = new Map<string, Hello>();

  constructor(contestants: readonly Contestant[], effort: Effort) {
    this.#contestants = contestants;
    this.#effort = effort;
    this.#end = performance.now() / 1000 + (effort.totalSeconds ?? Infinity);
  }

  /** Compares all sides on the work of a row that lies at `task`; `rows` are still to come. */
  async run(row: string, { task, rows }: { task: string; rows: number }): Promise<RowResult> {
    const share = this.#left / (rows + 1);
    const until = this.#left - share;
    const outcomes = new Map<string, Outcome>();
    const open: Opened[] = [];
    for (const contestant of this.#contestants) {
      const { id } = contestant;
      try {
        const ours = open.find(({ contestant }) => contestant.family === "ours");
        open.push(await this.#open(contestant, task, ours));
      } catch (error) {
        outcomes.set(id, { id, reason: reasonOf(error) });
      }
    }
    for (let round = 0; round < this.#effort.rounds; round++) {
      if (round > 0 && this.#left < until) break;
      for (const { contestant, times, laps } of open) {
        const { id } = contestant;
        // What runs once in a round has run once already.
        if (outcomes.has(id) || laps.length > round) continue;
        try {
          laps.push(await this.#seconds(contestant, times) / times);
        } catch (error) {
          outcomes.set(id, { id, reason: reasonOf(error) });
        }
      }
    }
    for (const { contestant, laps, values } of open) {
      const { id } = contestant;
      if (!outcomes.has(id)) outcomes.set(id, { id, seconds: median(laps), values });
      if (this.#sides.has(id)) await this.#ask(contestant, { do: "close" }).catch(() => {});
    }
    const inOrder = this.#contestants.map(({ id }) => outcomes.get(id) as Outcome);
    return { row, outcomes: inOrder };
  }

  /** Opens a row on a side and holds what it gets against `ours`. */
  async #open(contestant: Contestant, task: string, ours: Opened | undefined): Promise<Opened> {
    const { values } = await this.#ask<{ values: number[] }>(contestant, { do: "open", task });
    const [here, there] = [ours?.contestant.id, contestant.id].map((id) =>
      this.hellos.get(id ?? "")?.adapter
    );
    if (contestant.family === "webgpu" && here !== undefined && here !== there) {
      throw new Refused(`another adapter: ${there}`);
    }
    const differs = ours === undefined ? undefined : disagreement(values, ours.values, contestant);
    if (differs !== undefined) throw new Refused(`other results: ${differs}`);
    const once = await this.#seconds(contestant, 1);
    const rough = this.#timesOf(once);
    // The first call alone may be slow: it is cold, and waiting for it costs as much as for many.
    const times = rough === 1 ? 1 : this.#timesOf(await this.#seconds(contestant, rough) / rough);
    return { contestant, times, values, laps: times === 1 ? [once] : [] };
  }

  /** Calls in a round, of the seconds of one. */
  #timesOf(seconds: number): number {
    const needed = Math.ceil(this.#effort.roundSeconds / Math.max(seconds, 1e-6));
    return Math.min(MOST, Math.max(1, needed));
  }

  /** Seconds that are left for everything. */
  get #left(): number {
    return this.#end - performance.now() / 1000;
  }

  /** Ends all processes. */
  async close(): Promise<void> {
    for (const side of this.#sides.values()) await side.close();
    this.#sides.clear();
  }

  async #seconds(contestant: Contestant, times: number): Promise<number> {
    const { seconds } = await this.#ask<{ seconds: number }>(contestant, { do: "run", times });
    return seconds;
  }

  async #ask<T>({ id, start }: Contestant, order: Parameters<Side["ask"]>[0]): Promise<T> {
    const seconds = Math.min(this.#effort.openSeconds, this.#left);
    if (seconds < 1) throw new Refused("left out: the time for everything was up");
    let side = this.#sides.get(id);
    if (side === undefined) {
      side = await Side.start(start, seconds);
      this.#sides.set(id, side);
      this.hellos.set(id, side.hello);
    }
    try {
      return await side.ask<T>(order, seconds);
    } catch (error) {
      if (!(error instanceof Refused)) this.#sides.delete(id);
      throw error;
    }
  }
}

/** Why a side did not do a row, in one line. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split("\n")[0] as string).slice(0, 160);
}
