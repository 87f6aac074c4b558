/** A count that grows, and on which tasks wait. */

interface Waiter {
  readonly least: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** A count of finished parts. */
export class Counter {
  #value = 0;
  #waiters: Waiter[] = [];
  #fault: { readonly reason: unknown } | undefined;

  /** The count. */
  get value(): number {
    return this.#value;
  }

  /** Counts one more part. */
  increase(): void {
    this.#value++;
    const ready = this.#waiters.filter(({ least }) => least <= this.#value);
    if (ready.length === 0) return;
    this.#waiters = this.#waiters.filter(({ least }) => least > this.#value);
    for (const { resolve } of ready) resolve();
  }

  /** Resolves once the count is at least `least`; rejects if it is cancelled before. */
  async atLeast(least: number): Promise<void> {
    if (this.#value >= least) return;
    if (this.#fault !== undefined) throw this.#fault.reason;
    await new Promise<void>((resolve, reject) => this.#waiters.push({ least, resolve, reject }));
  }

  /** Ends all waiting: the count will not grow. */
  cancel(reason: unknown): void {
    this.#fault ??= { reason };
    for (const { reject } of this.#waiters.splice(0)) reject(reason);
  }
}
