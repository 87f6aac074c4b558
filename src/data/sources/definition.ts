/** What a source of the user is to the rest of the system. */
import type { Source, SourceInput, Task } from "../source.ts";

/** The `data` part of a config for a source of the user; `O`: its own options. */
export interface UserDataConfig<O> {
  /** Name of the source. */
  readonly source: string;
  /** Sequence length T in tokens. */
  readonly seq_len: number;
  /** Tokens between the starts of neighbouring training windows; null takes `seq_len`. */
  readonly stride: number | null;
  /** Its options, as its schema has them. */
  readonly options: O;
}

/** The schema of a source's options. */
export interface OptionsSchema<O> {
  /** The value, checked and with its defaults. @throws where it is not valid. */
  parse(value: unknown): O;
}

/** A source of batches: everything that the system needs to know of it. */
export interface SourceDefinition<O = unknown> {
  /** Name, as in configs. */
  readonly source: string;
  /** Whether it reads a text (`data.path`); false for a source that makes its batches up. */
  readonly needsText: boolean;
  /** True when its batches depend on the text of tokens: then `make` gets the tokenizer. */
  readonly needsTokenizer?: true;
  /** Schema of `data.options`, a strict object. Default: no options. */
  readonly options?: OptionsSchema<O>;
  /** The task; `vocabulary`: distinct tokens of the text, 0 without text. */
  readonly task: (config: UserDataConfig<O>, vocabulary: number) => Task;
  /** Makes the source. It must be a pure function of its input: every worker makes its own. */
  readonly make: (config: UserDataConfig<O>, input: SourceInput) => Source;
}

/** Types a source's definition. */
export function defineSource<O = unknown>(definition: SourceDefinition<O>): SourceDefinition<O> {
  return definition;
}
