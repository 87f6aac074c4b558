/** One text that is being drawn, from its prompt to its end. Knows no model. */
import type { Key } from "../base/random.ts";
import { drawToken } from "./draw.ts";
import type { DrawnToken, Sampling } from "./draw.ts";
import { StopScan } from "./stops.ts";
import { uniformAt } from "./uniform.ts";

/** What a row is drawn with. */
export interface RowParts {
  readonly key: Key;
  /** Tokens that it goes on from; at least one. */
  readonly prompt: Uint32Array;
  readonly sampling: Sampling;
  /** Most tokens to draw. */
  readonly tokens: number;
  /** Texts to end before. */
  readonly stops: readonly string[];
  /** The token that ends a text, where there is one. */
  readonly end: number | undefined;
  /** Turns tokens into text; a stream of this row's own. */
  readonly stream: { push(id: number): string; flush(): string };
}

/** A token that was drawn, and the text that may be shown since. */
export interface Taken extends DrawnToken {
  readonly text: string;
}

/** Why a row ended: the end token, a stop text, or as many tokens as were asked for. */
export type RowEnd = "end" | "stop" | "length";

/** Draws one text, token by token. */
export class GenerationRow {
  readonly #parts: RowParts;
  readonly #seen: Set<number>;
  readonly #stops: StopScan;
  #last: number;
  #drawn = 0;
  #ended: RowEnd | undefined;

  constructor(parts: RowParts) {
    this.#parts = parts;
    this.#seen = new Set(parts.prompt);
    this.#stops = new StopScan(parts.stops);
    this.#last = parts.prompt.at(-1) ?? 0;
  }

  /** Why it ended, or undefined while it goes on. */
  get ended(): RowEnd | undefined {
    return this.#ended;
  }

  /** The newest token: what the model reads next. */
  get last(): number {
    return this.#last;
  }

  /** Tokens drawn so far. */
  get drawn(): number {
    return this.#drawn;
  }

  /**
   * Draws the next token from logits [V]; only while it has not ended. The first `known` of the V
   * tokens may be drawn, all unless told.
   */
  take(logits: Float32Array, known?: number): Taken {
    const { key, sampling, tokens, end, stream } = this.#parts;
    const u = uniformAt(key, this.#drawn);
    const drawn = drawToken(logits, { ...sampling, u, known, seen: this.#seen });
    this.#last = drawn.id;
    this.#seen.add(drawn.id);
    this.#drawn += 1;
    const text = this.#stops.push(drawn.id === end ? "" : stream.push(drawn.id));
    if (this.#stops.found !== undefined) this.#ended = "stop";
    else if (drawn.id === end) this.#ended = "end";
    else if (this.#drawn === tokens) this.#ended = "length";
    return { ...drawn, text };
  }

  /** Text that still waited for more: what is unfinished, and what might have become a stop. */
  finish(): string {
    const rest = this.#stops.push(this.#parts.stream.flush());
    return this.#stops.found === undefined ? rest + this.#stops.flush() : rest;
  }
}
