/** Puts texts that grow side by side one behind the other. Knows no terminal. */

/** Writes the first text as it grows, and keeps the others until their turn comes. */
export class InTurn {
  readonly #write: (text: string) => void;
  readonly #waiting = new Map<number, string>();
  readonly #ended = new Set<number>();
  #turn = 0;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Takes more of text `n`. */
  push(n: number, text: string): void {
    if (n === this.#turn) this.#write(text);
    else this.#waiting.set(n, (this.#waiting.get(n) ?? "") + text);
  }

  /** Says that text `n` is whole; the next one begins where it was the one in turn. */
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
