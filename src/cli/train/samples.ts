/** Formats samples: text as it is drawn, or one line per token. */
import { END_TEXT } from "../../data/tokenizers/types.ts";
import { InTurn } from "../../generate/in_turn.ts";
import { meanLine, tokenLine } from "../../generate/logprobs.ts";
import type { Taken } from "../../generate/row.ts";

/** How samples are shown. */
export interface SamplesOptions {
  /** Samples in all; more than one have headers. */
  readonly num: number;
  /** Text before the first token of each. */
  readonly prompt: string;
  /** A line for each token instead of the text. */
  readonly logprobs: boolean;
  /** Text of one token. */
  readonly textOf: (id: number) => string;
  /** The token that ends a text; it has no text. */
  readonly end: number | undefined;
  readonly write: (text: string) => void;
}

/** Shows samples one behind the other, the first of those under way as it grows. */
export class Samples {
  readonly #options: SamplesOptions;
  readonly #inTurn: InTurn;
  readonly #logprobs = new Map<number, number[]>();

  constructor(options: SamplesOptions) {
    this.#options = options;
    this.#inTurn = new InTurn(options.write);
  }

  /** Sample `n` begins. */
  begin(n: number): void {
    const { num, prompt, logprobs } = this.#options;
    const header = num > 1 ? `--- sample ${n + 1} of ${num}\n` : "";
    this.#inTurn.push(n, logprobs ? header : header + prompt);
    this.#logprobs.set(n, []);
  }

  /** Sample `n` has one more token. */
  push(n: number, { id, logprob, text }: Taken): void {
    const { logprobs, textOf, end } = this.#options;
    this.#logprobs.get(n)?.push(logprob);
    const shown = id === end ? END_TEXT : textOf(id);
    this.#inTurn.push(n, logprobs ? tokenLine(shown, { id, logprob }) : text);
  }

  /** Sample `n` is whole; `rest` is text that waited. */
  end(n: number, rest: string): void {
    const last = meanLine(this.#logprobs.get(n) ?? []);
    this.#inTurn.push(n, this.#options.logprobs ? last : rest + "\n");
    this.#inTurn.end(n);
    this.#logprobs.delete(n);
  }
}
