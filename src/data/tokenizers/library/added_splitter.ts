/** Splits a text at added tokens: a trie finds the longest one at each position, left to right. */
import type { WorkMeter } from "../meter.ts";

interface Branch {
  readonly next: Map<number, Branch>;
  /** UTF-16 units of the token that ends here; 0: none. */
  units: number;
}

/** Replaces the library's splitter, which does not count its work. */
export class AddedSplitter {
  readonly #root: Branch = { next: new Map(), units: 0 };
  readonly #meter: WorkMeter;

  constructor(tokens: Iterable<string>, meter: WorkMeter) {
    this.#meter = meter;
    for (const token of tokens) {
      let branch = this.#root;
      for (let i = 0; i < token.length; i++) {
        const unit = token.charCodeAt(i);
        let next = branch.next.get(unit);
        if (next === undefined) branch.next.set(unit, next = { next: new Map(), units: 0 });
        branch = next;
      }
      branch.units = token.length;
    }
  }

  /** The added tokens in a text and the parts between them, in order. @throws {UserError} `data` */
  split(text: string): string[] {
    const parts: string[] = [];
    let from = 0;
    for (let at = 0; at < text.length;) {
      const units = this.#longestAt(text, at);
      if (units === 0) {
        at++;
        continue;
      }
      if (at > from) parts.push(text.slice(from, at));
      parts.push(text.slice(at, at + units));
      at += units;
      from = at;
    }
    if (from < text.length) parts.push(text.slice(from));
    return parts;
  }

  #longestAt(text: string, at: number): number {
    let branch: Branch | undefined = this.#root;
    let longest = 0;
    for (let i = at; branch !== undefined; i++) {
      if (branch.units > 0) longest = branch.units;
      this.#meter.take(1, "added_tokens");
      branch = branch.next.get(text.charCodeAt(i));
    }
    return longest;
  }
}
