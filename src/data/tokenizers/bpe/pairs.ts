/** A hash map from pairs of numbers to numbers: open addressing in typed arrays. */

/** Marks a free slot. */
const FREE = -1;

/** Maps pairs of numbers in [0, 2^31) to numbers of the same range. */
export class Pairs {
  #left = new Int32Array(1024).fill(FREE);
  #right = new Int32Array(1024);
  #value = new Int32Array(1024);
  #size = 0;

  /** The value of a pair, or -1. */
  get(left: number, right: number): number {
    const at = this.#find(left, right);
    return this.#left[at] === FREE ? -1 : this.#value[at] as number;
  }

  /** Sets the value of a pair. */
  set(left: number, right: number, value: number): void {
    if (2 * this.#size >= this.#left.length) this.#grow();
    const at = this.#find(left, right);
    if (this.#left[at] === FREE) this.#size++;
    this.#left[at] = left;
    this.#right[at] = right;
    this.#value[at] = value;
  }

  /** The slot of a pair, or the free slot for it. */
  #find(left: number, right: number): number {
    const mask = this.#left.length - 1;
    const hash = Math.imul(Math.imul(left, 0x9e3779b1) ^ right, 0x85ebca6b);
    let at = (hash ^ (hash >>> 15)) & mask;
    while (this.#left[at] !== FREE && (this.#left[at] !== left || this.#right[at] !== right)) {
      at = (at + 1) & mask;
    }
    return at;
  }

  #grow(): void {
    const [left, right, value] = [this.#left, this.#right, this.#value];
    const length = 2 * left.length;
    this.#left = new Int32Array(length).fill(FREE);
    this.#right = new Int32Array(length);
    this.#value = new Int32Array(length);
    this.#size = 0;
    for (let i = 0; i < left.length; i++) {
      if (left[i] !== FREE) this.set(left[i] as number, right[i] as number, value[i] as number);
    }
  }
}
