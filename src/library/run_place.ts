/** Where a run computes and writes: its workers, their cards, and a new folder. */
import type { ChosenDevice } from "../base/device_kinds.ts";
import type { PinnedCard } from "../cards/pin.ts";
import { cardNamesIn } from "../cards/choose.ts";
import type { PlainConfig } from "../config/overrides.ts";
import type { RunConfig } from "../config/schema.ts";
import { cardsFor, defaultWorkers } from "../../workers/launch/cards.ts";
import { chooseDevice } from "../../workers/launch/choose_device.ts";

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

/** Where a run computes. */
export interface RunPlace {
  readonly device: ChosenDevice;
  readonly workers: number;
  readonly cards: readonly PinnedCard[];
}

/**
 * The device of a run, the number of its workers and their cards; without a number that is set, one
 * for each card, or for each core where the CPU computes. @throws {UserError} as cardsFor() does.
 */
export async function runPlaceOf(
  { config, saysWorkers }: { readonly config: RunConfig; readonly saysWorkers: boolean },
  warn: (text: string) => void,
): Promise<RunPlace> {
  const device = await chooseDevice(config, warn);
  const said = saysWorkers ? config.workers : null;
  const asked = { ...config, device: device.kind };
  const cards = await cardsFor({ ...asked, workers: said }, warn);
  return { device, workers: said ?? await defaultWorkers(asked, cards), cards };
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
