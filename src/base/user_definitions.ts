/** Definitions that modules of the user give, registered by the SHA-256 of their modules. */
import { UserError } from "./user_error.ts";

/** A module of the user, and the names that Shoal's own definitions of its sort have. */
export interface DefiningModule {
  /** Its path. */
  readonly module: string;
  readonly sha256: string;
  /** Names that it must not define. */
  readonly shipped: readonly string[];
}

/** Definitions of one sort. By hash: two modules may define things of one name. */
export class UserDefinitions<D> {
  readonly #bySha256 = new Map<string, D>();

  /** The definition of the module with this SHA-256, as a config has it. */
  of(sha256: string | undefined): D | undefined {
    return sha256 === undefined ? undefined : this.#bySha256.get(sha256);
  }

  /** Registers what the module with this SHA-256 defines. */
  add(sha256: string, definition: D): void {
    this.#bySha256.set(sha256, definition);
  }
}

/** Whether a value can be the name of a definition. */
export function isDefinitionName(value: unknown): value is string {
  return typeof value === "string" && /^[A-Za-z][A-Za-z0-9_-]*$/.test(value);
}

/** @throws {UserError} `config` always: what the default export of a module needs. */
export function refuseModule({ module }: Pick<DefiningModule, "module">, text: string): never {
  throw new UserError("config", `Cannot use the module ${module}: ${text}`);
}
