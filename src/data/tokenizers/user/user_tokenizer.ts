/** What a module of the user gives as a tokenizer. */

/** A tokenizer of the user: text to ids in [0, size), and back. */
export interface UserTokenizer {
  /** Number of tokens. */
  readonly size: number;
  /** The token that ends documents and that texts may begin behind; default none. */
  readonly end?: number | undefined;
  /** Token ids of a text; never the end token. */
  encode(text: string): ArrayLike<number>;
  /** Text of token ids; the end token has none. */
  decode(ids: readonly number[]): string;
}
