/** An asynchronous queue with one consumer. */

/** A queue with one consumer. */
export class Queue<T> {
  readonly #values: T[] = [];
  #wake = Promise.withResolvers<void>();
  #fault: Error | undefined;

  push(value: T): void {
    this.#values.push(value);
    this.#wake.resolve();
  }

  /** Rejects the pending and all later calls of next() with this error. */
  fail(fault: Error): void {
    this.#fault ??= fault;
    this.#wake.resolve();
  }

  /** The next value, once there is one. */
  async next(): Promise<T> {
    while (this.#fault === undefined && this.#values.length === 0) {
      this.#wake = Promise.withResolvers<void>();
      await this.#wake.promise;
    }
    if (this.#fault !== undefined) throw this.#fault;
    return this.#values.shift() as T;
  }
}
