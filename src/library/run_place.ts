/** Where a run computes and writes: its workers, their cards, and a new folder. */
import type { PinnedCard } from "../cards/pin.ts";
import { cardNamesIn } from "../cards/choose.ts";
import type { PlainConfig } from "../config/overrides.ts";
import type { RunConfig } from "../config/schema.ts";
import { cardsFor, defaultWorkers } from "../../workers/launch/cards.ts";

/**
 * A config with one worker for each card that it names, unless it or `overrides` set the number of
 * workers. Pure.
 */
export function withWorkers(
  input: PlainConfig,
  { gpus, workers }: Readonly<Record<string, string>> = {},
): PlainConfig {
  const isSaid = workers !== undefined || (gpus === undefined && input["workers"] !== undefined);
  if (isSaid || typeof input["gpus"] !== "string") return input;
  return { ...input, workers: cardNamesIn(input["gpus"]).length };
}

/**
 * The number of workers of a run and their cards; without a number that is set, one for each card, or
 * for each core where a software driver computes. @throws {UserError} as cardsFor() does.
 */
export async function workersOf(
  { config, saysWorkers }: { readonly config: RunConfig; readonly saysWorkers: boolean },
  warn: (text: string) => void,
): Promise<{ readonly workers: number; readonly cards: readonly PinnedCard[] }> {
  const said = saysWorkers ? config.workers : null;
  const cards = await cardsFor({ ...config, workers: said }, warn);
  return { workers: said ?? await defaultWorkers(config, cards), cards };
}

/** `base`, or the first of `base-2`, `base-3`... that does not exist. */
export function freeFolder(base: string): string {
  for (let n = 1;; n++) {
    const path = n === 1 ? base : `${base}-${n}`;
    try {
      Deno.statSync(path);
    } catch {
      return path;
    }
  }
}
