/** Generates one text, from its prompt to its end. */
import type { Key } from "../base/random.ts";
import { drawToken } from "./draw.ts";
import type { DrawnToken, Sampling } from "./draw.ts";
import { StopScan } from "./stops.ts";
import { uniformAt } from "./uniform.ts";

/** Parameters of a row. */
export interface RowParts {
  readonly key: Key;
  /** Prompt tokens; at least one. */
  readonly prompt: Uint32Array;
  readonly sampling: Sampling;
  /** Maximum tokens to draw. */
  readonly tokens: number;
  /** Stop texts, excluded from the output. */
  readonly stops: readonly string[];
  /** End-of-document token. */
  readonly end: number | undefined;
  /** The row's own decoding stream. */
  readonly stream: { push(id: number): string; flush(): string };
}

/** A drawn token, and the text that became ready to show. */
export interface Taken extends DrawnToken {
  readonly text: string;
}

/** Why a row ended: end token, stop text, or token limit. */
export type RowEnd = "end" | "stop" | "length";

/** Draws one text token by token. */
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

  /** Why it ended; undefined while it is active. */
  get ended(): RowEnd | undefined {
    return this.#ended;
  }

  /** The last token, the model's next input. */
  get last(): number {
    return this.#last;
  }

  /** Tokens drawn so far. */
  get drawn(): number {
    return this.#drawn;
  }

  /**
   * Draws the next token from logits [V]; only while active. Only the first `known` of V tokens may
   * be drawn; default: all.
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

  /** The remaining text: incomplete characters, and a held-back prefix of a stop text. */
  finish(): string {
    const rest = this.#stops.push(this.#parts.stream.flush());
    return this.#stops.found === undefined ? rest + this.#stops.flush() : rest;
  }
}
