/** Runs storms for some minutes, alternating between model families, and sums the results. */
import { atUnload } from "../../src/base/unload.ts";
import { FAMILIES, type Family, Lab } from "../faults/support/support.ts";
import type { Kind } from "./plan.ts";
import { type Storm, stormArgs, weather } from "./storm.ts";

/** Options of chaos. */
export interface ChaosOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly workers: number;
  /** Mean seconds between two faults. */
  readonly mtbf: number;
  /** Steps of a run. */
  readonly steps: number;
}

/** The sum of all storms, and undisturbed runs with the same numbers of workers. */
export interface Total {
  readonly storms: readonly Storm[];
  /** Milliseconds that undisturbed runs of the same work take. */
  readonly useful: number;
  readonly faults: ReadonlyMap<Kind, number>;
  readonly wrong: readonly string[];
}

/** An undisturbed run: its state, and the milliseconds that its workers take. */
interface Calm {
  readonly state: unknown;
  readonly ms: number;
}

/** Runs storms until the minutes are over, at least one; `tell` is called with each. */
export async function gather(
  options: ChaosOptions,
  tell: (line: string) => void,
): Promise<Total> {
  const { minutes, seed, mtbf, workers, steps } = options;
  const calm = new Map<Family, Calm>();
  const storms: Storm[] = [];
  const faults = new Map<Kind, number>();
  let useful = 0;
  let first = 0;
  const start = performance.now();
  do {
    const family = FAMILIES[storms.length % FAMILIES.length] as Family;
    const { state, ms } = calm.get(family) ?? await undisturbed(family, options);
    calm.set(family, { state, ms });
    const storm = await weather(state, {
      seed,
      family,
      steps,
      workers,
      first,
      mtbf: 1000 * mtbf,
    });
    first = storm.next;
    useful += ms;
    storms.push(storm);
    for (const [kind, n] of Object.entries(storm.faults) as [Kind, number][]) {
      faults.set(kind, (faults.get(kind) ?? 0) + n);
    }
    const met = Object.values(storm.faults).reduce((a, b) => a + b, 0);
    tell(
      `${family}: ${met} faults, ${(storm.ms / 1000).toFixed(1)} s, ` +
        (storm.wrong.length > 0 ? storm.wrong.join("; ") : "the same bits"),
    );
  } while (performance.now() - start < 60_000 * minutes);
  return { storms, useful, faults, wrong: storms.flatMap(({ wrong }) => wrong) };
}

async function undisturbed(
  family: Family,
  { steps, workers }: { steps: number; workers: number },
): Promise<Calm> {
  using lab = new Lab({ limit: Infinity });
  using _unload = atUnload(() => lab[Symbol.dispose]());
  await lab.finish(stormArgs(family, "one", { steps, workers: 1 }));
  const { ms } = await lab.finish(stormArgs(family, "many", { steps, workers }));
  const [state, other] = [lab.stateHash("one"), lab.stateHash("many")];
  if (state !== other) {
    throw new Error(`${family}: 1 worker ends in ${state}, ${workers} in ${other}`);
  }
  return { state, ms };
}
