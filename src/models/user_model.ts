/** Models that modules of the user define: registered by kind, and held to what they promise. */
import {
  type DefiningModule,
  isDefinitionName,
  refuseModule,
  UserDefinitions,
} from "../base/user_definitions.ts";
import type * as z from "zod";
import { showShape } from "../base/shape.ts";
import { describeValue } from "../base/text/describe_value.ts";
import { UserError } from "../base/user_error.ts";
import type { Tensor } from "../graph/types.ts";
import { isRowSum, type LossTerms, type Term } from "../nn/terms.ts";
import type { AnyModel, ModelDefinition } from "./definition.ts";

const registered = new UserDefinitions<ModelDefinition<AnyModel>>();

/** The model that the module with this SHA-256 defines, as a config has it. */
export function userModel(sha256: string | undefined): ModelDefinition<AnyModel> | undefined {
  return registered.of(sha256);
}

/**
 * Registers the model that a module exports; returns its kind. `shipped`: kinds of Shoal's own.
 * @throws {UserError} `config` for what is no model, and for a kind of Shoal's own.
 */
export function registerModel(
  exported: unknown,
  from: DefiningModule,
): string {
  const { module, sha256, shipped } = from;
  if (!isDefinition(exported)) {
    return refuseModule(
      from,
      "need a model as default export, by defineModel({ kind, schema, loss, ... })",
    );
  }
  const { kind, schema, generates, logits } = exported;
  for (const [name, value] of Object.entries({ logits, generates })) {
    if (value === undefined || typeof value === "function") continue;
    refuseModule(from, `need ${name} as a function: got ${describeValue(value)}`);
  }
  if (!("kind" in schema.shape)) {
    refuseModule(from, "need a schema with the key kind: there is none");
  }
  if (shipped.includes(kind)) {
    refuseModule(from, `need a kind of its own: Shoal has a model ${kind}`);
  }
  registered.add(sha256, checked(exported, module));
  return kind;
}

function isDefinition(value: unknown): value is ModelDefinition<AnyModel> & {
  readonly schema: z.ZodObject;
} {
  const { kind, schema, loss } = Object(value);
  return isDefinitionName(kind) &&
    typeof loss === "function" && typeof schema?.safeExtend === "function";
}

/** The definition with its functions held to the shapes that they promise, in one line each. */
function checked(
  definition: ModelDefinition<AnyModel>,
  module: string,
): ModelDefinition<AnyModel> {
  const { kind, loss, logits, generates } = definition;
  const within = <T>(what: string, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      // Shape rules throw RangeErrors; anything else that a function of the user throws is its own.
      const line = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
      throw new UserError(
        "config",
        `Cannot ${what} of model ${kind} (${module}): ${line}`,
      );
    }
  };
  return {
    ...definition,
    loss: (scope, batch, config, task) =>
      within("trace the loss", () => {
        const terms = loss(scope, batch, config, task);
        requireTerms(terms);
        return terms;
      }),
    ...logits && {
      logits: (scope, input, config) =>
        within(`trace the logits${scope.decode === undefined ? "" : " of new tokens"}`, () => {
          const made = logits(scope, input, config);
          const [rows = 0, time = 0] = input.tokens.shape;
          const wanted = input.last ? [rows, input.classes] : [rows, time, input.classes];
          requireShape(made, wanted);
          return made;
        }),
    },
    ...generates && {
      generates: (config) => {
        const said: unknown = within("call generates", () => generates(config));
        const fault = generationFault(said, logits !== undefined);
        if (fault === undefined) return said as ReturnType<typeof generates>;
        throw new UserError("config", `Cannot use model ${kind} (${module}): ${fault}`);
      },
    },
  };
}

/** What is wrong with the result of a model's `generates`; undefined if it is valid. */
function generationFault(said: unknown, hasLogits: boolean): string | undefined {
  if (typeof said === "string" && said !== "") return undefined;
  const { memory } = Object(said);
  if (memory !== "window" && memory !== "state") {
    return 'need generates to return { memory: "window" } or { memory: "state" }, or a sentence ' +
      `why it cannot generate: got ${describeValue(said)}`;
  }
  return hasLogits ? undefined : "need logits, from which it generates: it has none";
}

function requireTerms(terms: LossTerms): void {
  const all: readonly (readonly [string, Partial<Term>])[] = Object.entries(Object(terms));
  if (all.length === 0) throw new RangeError("need at least one term by name: got none");
  for (const [name, { sum, per, weight }] of all) {
    if (sum === undefined || (per !== "targets" && per !== "micro_batches")) {
      throw new RangeError(`term ${name} needs { sum, per: "targets" | "micro_batches", weight }`);
    }
    if (typeof weight !== "number" || !Number.isFinite(weight)) {
      throw new RangeError(`term ${name} needs a weight that is a number: ${weight}`);
    }
    if (typeof sum !== "object" || !isRowSum(sum)) requireShape(sum, [1], `term ${name}: `);
  }
}

function requireShape(tensor: Tensor, wanted: readonly number[], prefix = ""): void {
  const { shape, dtype } = Object(tensor) as Partial<Tensor>;
  if (dtype === "f32" && shape?.join() === wanted.join()) return;
  const got = shape === undefined ? "no tensor" : `${dtype} ${showShape(shape)}`;
  throw new RangeError(`${prefix}need f32 ${showShape(wanted)}: got ${got}`);
}
