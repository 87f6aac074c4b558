/** Serializes texts that grow concurrently. */

/** Streams text 0, then 1, ...; buffers the others until their predecessors end. */
export class InTurn {
  readonly #write: (text: string) => void;
  readonly #waiting = new Map<number, string>();
  readonly #ended = new Set<number>();
  #turn = 0;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Appends to text `n`. */
  push(n: number, text: string): void {
    if (n === this.#turn) this.#write(text);
    else this.#waiting.set(n, (this.#waiting.get(n) ?? "") + text);
  }

  /** Ends text `n`; starts the next one if `n` was being written. */
  end(n: number): void {
    this.#ended.add(n);
    while (this.#ended.has(this.#turn)) {
      this.#turn += 1;
      const text = this.#waiting.get(this.#turn);
      this.#waiting.delete(this.#turn);
      if (text !== undefined) this.#write(text);
    }
  }
}
