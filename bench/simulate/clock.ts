/**
 * Virtual time for a simulation of real code. Each worker is one thread: what it does occupies it, one
 * thing after the other. Time goes on only once all promises have settled; the code under simulation
 * waits for nothing but this clock and its own promises, so none can settle later by itself.
 */
import { setImmediate } from "node:timers";

/** An action that ends at a moment. */
interface Due {
  readonly at: number;
  readonly number: number;
  readonly act: () => void;
}

/** Virtual time in seconds. */
export class Clock {
  #now = 0;
  #count = 0;
  /** A heap by moment, then by order. */
  readonly #due: Due[] = [];
  /** By thread, when it is free. */
  readonly #free: number[];

  constructor(threads: number) {
    this.#free = new Array(threads).fill(0);
  }

  /** The moment. */
  get now(): number {
    return this.#now;
  }

  /** Occupies a thread for so many seconds once it is free, and resolves at the end. */
  occupy(thread: number, seconds: number): Promise<void> {
    const at = Math.max(this.#now, this.#free[thread] ?? 0) + seconds;
    this.#free[thread] = at;
    return this.until(at);
  }

  /** Resolves at a moment; no thread is occupied. */
  until(at: number): Promise<void> {
    return new Promise((act) => this.#push({ at, number: this.#count++, act }));
  }

  /** Goes on until nothing is due any more, and returns the last moment. */
  async run(): Promise<number> {
    for (;;) {
      // All promises that the last action settled, and those that they settle, are done after a turn.
      await new Promise<void>((resolve) => void setImmediate(resolve));
      const first = this.#pop();
      if (first === undefined) return this.#now;
      this.#now = first.at;
      first.act();
      // What is due at the same moment needs no turn of its own.
      while (this.#due[0]?.at === this.#now) this.#pop()?.act();
    }
  }

  #push(due: Due): void {
    const heap = this.#due;
    let at = heap.push(due) - 1;
    for (let up; at > 0 && isBefore(due, heap[up = (at - 1) >> 1] as Due); at = up) {
      heap[at] = heap[up] as Due;
    }
    heap[at] = due;
  }

  #pop(): Due | undefined {
    const heap = this.#due;
    const [first] = heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      if (down + 1 < heap.length && isBefore(heap[down + 1] as Due, heap[down] as Due)) down++;
      if (down >= heap.length || !isBefore(heap[down] as Due, last)) break;
      heap[at] = heap[down] as Due;
      at = down;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.number < b.number);
}
