/** A binary heap of numbers with a custom order. */

/** A priority queue of numbers. */
export class Heap {
  readonly #items: number[] = [];
  readonly #before: (a: number, b: number) => boolean;

  /** `before(a, b)`: whether `a` is popped before `b`. */
  constructor(before: (a: number, b: number) => boolean) {
    this.#before = before;
  }

  /** Adds a number. */
  push(item: number): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = items[above] as number;
      if (!this.#before(item, other)) break;
      items[at] = other;
      at = above;
    }
    items[at] = item;
  }

  /** Removes and returns the first number; undefined when empty. */
  pop(): number | undefined {
    const items = this.#items;
    const first = items[0];
    const item = items.pop();
    if (item === undefined || items.length === 0) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= items.length) break;
      if (
        below + 1 < items.length &&
        this.#before(items[below + 1] as number, items[below] as number)
      ) below++;
      const other = items[below] as number;
      if (!this.#before(other, item)) break;
      items[at] = other;
      at = below;
    }
    items[at] = item;
    return first;
  }
}
