/** Measures the utilization of a sweep's slots while trials were queued. */

/** Integrates over time what works and what could. */
export class SweepMeter {
  readonly #places: number;
  readonly #now: () => number;
  #at: number;
  #working = 0;
  #queued = false;
  #busy = 0;
  #whole = 0;

  constructor(places: number, now: () => number = () => performance.now()) {
    this.#places = places;
    this.#now = now;
    this.#at = now();
  }

  /** A process works in some places until the function that this gives is called. */
  work(places: number): () => void {
    this.#advance();
    this.#working += places;
    return () => {
      this.#advance();
      this.#working -= places;
    };
  }

  /** Whether trials wait for a place. */
  queue(isQueued: boolean): void {
    this.#advance();
    this.#queued = isQueued;
  }

  /** Share of the places that worked while trials were queued; 1 where none ever were. */
  get share(): number {
    this.#advance();
    return this.#whole === 0 ? 1 : this.#busy / this.#whole;
  }

  #advance(): void {
    const now = this.#now();
    if (this.#queued) {
      this.#busy += (now - this.#at) * Math.min(this.#working, this.#places);
      this.#whole += (now - this.#at) * this.#places;
    }
    this.#at = now;
  }
}
