/** What the exchange of gradients costs a step, from the times that workers vote with. Pure. */
import type { StepTimes } from "../protocol/messages.ts";

/** The exchange of one step. */
export interface ExchangeCost {
  /** Milliseconds that it kept the step waiting. */
  readonly ms: number;
  /** Of the step's milliseconds. */
  readonly share: number;
  /** Share of the sum that was there before the gradient was: it was hidden behind its computation. */
  readonly hidden: number;
  /** Bytes that all workers sent. */
  readonly bytes: number;
}

/**
 * The cost of the exchange, without the time in which workers wait for the gradient of a slower one:
 * that of the worker that waits least. Undefined for a worker alone.
 */
export function exchangeCost(votes: readonly StepTimes[]): ExchangeCost | undefined {
  if (votes.length < 2) return undefined;
  const shortest = votes.reduce((least, each) => each.exchange < least.exchange ? each : least);
  const { compute, exchange, write, inspect, hidden } = shortest;
  const step = compute + exchange + write + inspect;
  return {
    ms: exchange + write,
    share: step === 0 ? 0 : (exchange + write) / step,
    hidden,
    bytes: votes.reduce((sum, { sent }) => sum + sent, 0),
  };
}

/** Totals over the steps of this process. */
export class ExchangeTotals {
  #steps = 0;
  #share = 0;
  #hidden = 0;

  /** Counts a step. */
  add({ share, hidden }: ExchangeCost): void {
    this.#steps++;
    this.#share += share;
    this.#hidden += hidden;
  }

  /** Mean share of a step; undefined where no step was exchanged. */
  get share(): number | undefined {
    return this.#steps === 0 ? undefined : this.#share / this.#steps;
  }

  /** Mean share of the sum that was hidden; undefined where no step was exchanged. */
  get hidden(): number | undefined {
    return this.#steps === 0 ? undefined : this.#hidden / this.#steps;
  }
}
