/**
 * A worker's side of a fault plan: does what it was told at the points that it passes. Without a
 * plan there is nothing to strike, and each point costs a look at an empty list.
 */
import type { InjectedFault, WORKER_POINTS } from "./schema.ts";

/** What only the worker at hand can do. */
export interface FaultActions {
  /** Tells the coordinator, which sends signals and notes when it was. */
  announce(strike: InjectedFault): Promise<void>;
  /** Loses the device. */
  lose(): void;
  /** Makes an element of the gradient NaN. */
  poison(): Promise<void>;
  /** Flips a bit of a parameter. */
  flip(): Promise<void>;
}

/** Time in which a signal arrives; a worker that goes on after it was stopped takes up its work. */
const SIGNAL_MS = 200;

/** Strikes as ordered. */
export class FaultInjector {
  readonly #deeds: FaultActions;
  #strikes: readonly InjectedFault[] = [];

  constructor(deeds: FaultActions) {
    this.#deeds = deeds;
  }

  /** Takes the strikes of an order in place of those of the one before. */
  take(strikes: readonly InjectedFault[]): void {
    this.#strikes = strikes;
  }

  /** Passes a point. */
  async at(point: typeof WORKER_POINTS[number]): Promise<void> {
    for (const strike of this.#strikes) {
      if (strike.point === point) await this.#strike(strike);
    }
  }

  async #strike(strike: InjectedFault): Promise<void> {
    await this.#deeds.announce(strike);
    const { point, do: deed, ms } = strike;
    switch (deed) {
      case "sigkill":
      case "sigstop":
        return await sleep(SIGNAL_MS);
      case "hang":
        return await new Promise(() => {});
      case "block":
        for (const end = performance.now() + ms; performance.now() < end;);
        return;
      case "delay":
        return await sleep(ms);
      case "throw":
        throw new Error(`A fault was asked for at ${point}`);
      case "lose":
        this.#deeds.lose();
        return await sleep(SIGNAL_MS);
      case "nan":
        return await this.#deeds.poison();
      case "flip":
        return await this.#deeds.flip();
    }
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
