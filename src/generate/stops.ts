/** Finds stop texts in a stream of text. */
import { maxOf } from "../base/extremes.ts";

/** Holds back possible prefixes of a stop text, so that none is ever shown. */
export class StopScan {
  readonly #stops: readonly string[];
  #held = "";
  #found: string | undefined;

  /** @throws {RangeError} for an empty stop text. */
  constructor(stops: readonly string[]) {
    if (stops.includes("")) throw new RangeError("Cannot stop: need a text: it is empty");
    this.#stops = stops;
  }

  /** The stop text found; the earliest if several complete at once. */
  get found(): string | undefined {
    return this.#found;
  }

  /** Adds text; returns what cannot be part of a stop text, nothing after one was found. */
  push(text: string): string {
    if (this.#found !== undefined) return "";
    const all = this.#held + text;
    const hits = this.#stops.flatMap((stop) => {
      const at = all.indexOf(stop);
      return at < 0 ? [] : [{ stop, at }];
    });
    const [first] = hits.sort((a, b) => a.at - b.at);
    this.#found = first?.stop;
    const shown = first?.at ?? all.length - this.#unsure(all);
    this.#held = first === undefined ? all.slice(shown) : "";
    return all.slice(0, shown);
  }

  /** Returns the held-back text at the end of the stream. */
  flush(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }

  /** Length of the longest suffix of `text` that is a prefix of a stop text. */
  #unsure(text: string): number {
    const longest = Math.max(0, maxOf(this.#stops.map((stop) => stop.length - 1)));
    for (let n = Math.min(longest, text.length); n > 0; n--) {
      if (this.#stops.some((stop) => stop.startsWith(text.slice(-n)))) return n;
    }
    return 0;
  }
}
