/** The schema of a config whose model, data or optimizer a module of the user defines. */
import * as z from "zod";
import { dataSchema } from "../../data/schema.ts";
import { userSource } from "../../data/sources/define.ts";
import { userModel } from "../../models/user_model.ts";
import { userOptimizer } from "../../optim/define.ts";
import { isPlain } from "../plain.ts";
import { runSchema } from "../schema.ts";

/** Keys of a section that a module defines; the registry has imported it. */
const MODULE_KEYS = {
  module: z.string().min(1).describe("Path of the user's module that defines it"),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, { error: "need the module's SHA-256" })
    .describe("SHA-256 of the module and its imports, which is filled in"),
};

/** The schema of each section by its module's SHA-256; undefined for an unknown one. */
const SECTIONS: Readonly<Record<string, (sha256: string) => z.ZodType | undefined>> = {
  model(sha256) {
    const definition = userModel(sha256);
    return (definition?.schema as z.ZodObject | undefined)?.safeExtend(MODULE_KEYS);
  },
  data(sha256) {
    const definition = userSource(sha256);
    if (definition === undefined) return undefined;
    const { source, options = z.strictObject({}) } = definition;
    return dataSchema.omit({ source: true }).safeExtend({
      source: z.literal(source).describe("Name of the source"),
      options: (options as unknown as z.ZodType).prefault({}),
      ...MODULE_KEYS,
    });
  },
  optim: (sha256) => userOptimizer(sha256)?.schema.safeExtend(MODULE_KEYS),
};

/** The schema of an input: that of all runs, with the keys of the user's definitions. */
export function schemaOf(input: unknown): typeof runSchema {
  if (!isPlain(input)) return runSchema;
  const own = Object.entries(SECTIONS).flatMap(([name, schemaIn]) => {
    const section = input[name];
    // Without a module it is Shoal's own, or unknown.
    if (!isPlain(section) || typeof section["sha256"] !== "string") return [];
    const schema = schemaIn(section["sha256"]);
    return schema === undefined ? [] : [[name, schema] as const];
  });
  if (own.length === 0) return runSchema;
  // The other sections, and the checks across sections, stay.
  return runSchema.safeExtend(Object.fromEntries(own)) as unknown as typeof runSchema;
}
