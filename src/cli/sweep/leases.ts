/** The cards that running trials occupy. */
import { isDriverless } from "../../base/device_kinds.ts";
import { cardNamesIn } from "../../cards/choose.ts";
import { spread } from "../../cards/spread.ts";
import type { RunConfig } from "../../config/schema.ts";
import type { Lease } from "./attempt.ts";

/** Leases cards to trials, the least used first. */
export class CardLeases {
  readonly #cards: readonly string[];
  readonly #leases = new Set<Lease>();

  /** `cards`: those of the machine by name; none where trials share what the driver offers. */
  constructor(cards: readonly string[]) {
    this.#cards = cards;
  }

  /** Cards for a trial, from those that its config names or else from all. */
  lease(workers: number, { device, gpus: named }: RunConfig): Lease {
    const inUse = Array.from(this.#leases, ({ gpus }) => gpus).flat();
    const cards = named === null ? this.#cards : Array.from(new Set(cardNamesIn(named)));
    const gpus = isDriverless(device.kind) ? [] : spread(cards, { workers, inUse });
    const lease = { gpus, [Symbol.dispose]: () => void this.#leases.delete(lease) };
    this.#leases.add(lease);
    return lease;
  }
}
