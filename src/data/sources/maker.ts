/** What every source defines. */
import type { DataConfig } from "../schema.ts";
import type { Source, SourceInput, Task } from "../source.ts";

/** What is known of a source before there is any data, and how it is made. */
export interface SourceMaker {
  /** False when the source makes its own tokens. */
  readonly needsText: boolean;
  /** True when batches depend on what tokens stand for. */
  readonly needsTokenizer?: true;
  /** Fewest tokens of a validation part of which anything is asked; default 2, a token and the next. */
  readonly leastEvaluated?: (config: DataConfig) => number;
  /** The task; `characters` is the number of distinct tokens of the text, 0 where none is read. */
  readonly task: (config: DataConfig, characters: number) => Task;
  readonly make: (config: DataConfig, input: SourceInput) => Source;
}
