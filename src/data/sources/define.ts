/** Sources that modules of the user define, registered by name. */
import {
  type DefiningModule,
  isDefinitionName,
  refuseModule,
  UserDefinitions,
} from "../../base/user_definitions.ts";
import { checkedSource } from "./checked.ts";
import type { SourceDefinition } from "./definition.ts";

const registered = new UserDefinitions<SourceDefinition>();

/** The source that the module with this SHA-256 defines, as a config has it. */
export function userSource(sha256: string | undefined): SourceDefinition | undefined {
  return registered.of(sha256);
}

/**
 * Registers the source that a module exports; returns its name. `shipped`: names of Shoal's own.
 * @throws {UserError} `config` for what is no source, and for a name of Shoal's own.
 */
export function registerSource(
  exported: unknown,
  from: DefiningModule,
): string {
  const { module, sha256, shipped } = from;
  const { source, needsText, task, make } = Object(exported) as Partial<SourceDefinition>;
  if (!isDefinitionName(source) || typeof task !== "function" || typeof make !== "function") {
    return refuseModule(
      from,
      "need a source as default export, by defineSource({ source, task, make, ... })",
    );
  }
  if (typeof needsText !== "boolean") {
    refuseModule(from, `need needsText, true or false: ${needsText}`);
  }
  if (shipped.includes(source)) {
    refuseModule(from, `need a name of its own: Shoal has a source ${source}`);
  }
  registered.add(sha256, checkedSource(exported as SourceDefinition, module));
  return source;
}
