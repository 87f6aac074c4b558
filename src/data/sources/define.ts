/** Sources that modules of the user define, registered by name. */
import type * as z from "zod";
import { UserError } from "../../base/user_error.ts";
import type { DataConfig } from "../schema.ts";
import type { Source, SourceInput, Task } from "../source.ts";
import type { SourceMaker } from "./maker.ts";

/** The `data` part of a config for a source of the user; `O`: its own options. */
export type UserDataConfig<O> = Omit<DataConfig, "source"> & {
  /** Name of the source. */
  readonly source: string;
  /** Its options, as its schema has them. */
  readonly options: O;
};

/** A source of batches: everything that the system needs to know of it. */
export interface SourceDefinition<O = unknown> extends Omit<SourceMaker, "task" | "make"> {
  /** Name, as in configs. */
  readonly source: string;
  /** Schema of `data.options`, a strict object. Default: no options. */
  readonly options?: z.ZodType<O>;
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
