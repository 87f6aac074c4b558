/** Sources that modules of the user define, registered by name. */
import { UserError } from "../../base/user_error.ts";
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

/** A registered source, and the path of the module that defines it. */
interface UserSource {
  readonly definition: SourceDefinition;
  readonly module: string;
}

const registered = new Map<string, UserSource>();

/** The source of a name that a module of the user defines. */
export function userSource(source: string): SourceDefinition | undefined {
  return registered.get(source)?.definition;
}

/**
 * Registers the source that a module exports; returns its name. `shipped`: names of Shoal's own.
 * @throws {UserError} `config` for what is no source, and for a name that is taken.
 */
export function registerSource(
  exported: unknown,
  { module, shipped }: { readonly module: string; readonly shipped: readonly string[] },
): string {
  const refuse = (text: string): never => {
    throw new UserError("config", `Cannot use the module ${module}: ${text}`);
  };
  const { source, needsText, task, make } = Object(exported) as Partial<SourceDefinition>;
  const isNamed = typeof source === "string" && /^[A-Za-z][A-Za-z0-9_-]*$/.test(source);
  if (!isNamed || typeof task !== "function" || typeof make !== "function") {
    return refuse("need a source as default export, by defineSource({ source, task, make, ... })");
  }
  if (typeof needsText !== "boolean") refuse(`need needsText, true or false: ${needsText}`);
  if (shipped.includes(source)) refuse(`need a name of its own: Shoal has a source ${source}`);
  const other = registered.get(source)?.module;
  if (other !== undefined && other !== module) {
    refuse(`need a name of its own: ${other} defines a source ${source}`);
  }
  registered.set(source, { definition: exported as SourceDefinition, module });
  return source;
}
