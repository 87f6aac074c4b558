/**
 * Beam search with a length penalty (Wu et al. 2016, section 7, in the simple form of Marian and
 * transformers: the sum of log-probabilities divided by length ** penalty). Pure.
 */

/** Settings of a search. */
export interface BeamSettings {
  /** Texts that are continued side by side. */
  readonly beams: number;
  /** Exponent of the length that divides a score; above 0 it favours long texts. */
  readonly lengthPenalty: number;
  /** Most tokens of a text, the end included. */
  readonly most: number;
  /** The token that ends a text. */
  readonly end: number;
}

/** A text so far, and the sum of its log-probabilities. */
interface Beam {
  readonly tokens: readonly number[];
  readonly sum: number;
}

/** A search for the target of one source. */
export class BeamSearch {
  readonly #settings: BeamSettings;
  #running: Beam[] = [{ tokens: [], sum: 0 }];
  /** Ended texts with their scores, best first. */
  #ended: { readonly tokens: readonly number[]; readonly score: number }[] = [];
  #isDone = false;

  constructor(settings: BeamSettings) {
    this.#settings = settings;
  }

  /** Texts whose next token is wanted, in order; none when the search is over. */
  get running(): readonly (readonly number[])[] {
    return this.#isDone ? [] : this.#running.map(({ tokens }) => tokens);
  }

  /** The best text that ended, without its end. */
  get best(): readonly number[] {
    const tokens = this.#ended[0]?.tokens ?? [];
    return tokens.at(-1) === this.#settings.end ? tokens.slice(0, -1) : tokens;
  }

  /** Continues each running text, by the log-probabilities of its next token. */
  advance(logprobs: readonly Float64Array[]): void {
    const { beams, lengthPenalty, most, end } = this.#settings;
    // Twice as many as beams, so that enough go on where all of the first ones end.
    const found = this.#largest(logprobs, 2 * beams);
    const length = (this.#running[0]?.tokens.length ?? 0) + 1;
    const score = (sum: number) => sum / length ** lengthPenalty;
    const stops = ({ tokens }: Beam) => tokens.at(-1) === end || length >= most;
    const ended = found.slice(0, beams).filter(stops)
      .map(({ tokens, sum }) => ({ tokens, score: score(sum) }));
    this.#ended = [...this.#ended, ...ended].sort((a, b) => b.score - a.score).slice(0, beams);
    this.#running = found.filter((beam) => !stops(beam)).slice(0, beams);
    const [next] = this.#running;
    const worst = this.#ended.length < beams ? -Infinity : this.#ended.at(-1)?.score ?? -Infinity;
    this.#isDone = next === undefined || score(next.sum) <= worst;
  }

  /** The likeliest continuations of all running texts; ties by text, then by token. */
  #largest(logprobs: readonly Float64Array[], count: number): Beam[] {
    const found: { beam: number; token: number; sum: number }[] = [];
    for (const [beam, { sum: before }] of this.#running.entries()) {
      const row = logprobs[beam] as Float64Array;
      const tokens = Array.from(row.keys())
        .sort((a, b) => (row[b] as number) - (row[a] as number) || a - b).slice(0, count);
      for (const token of tokens) found.push({ beam, token, sum: before + (row[token] as number) });
    }
    return found.sort((a, b) => b.sum - a.sum || a.beam - b.beam || a.token - b.token)
      .slice(0, count)
      .map(({ beam, token, sum }) => ({
        tokens: [...this.#running[beam]?.tokens ?? [], token],
        sum,
      }));
  }
}
