/** Models that modules of the user define: registered by kind, and held to what they promise. */
import {
  type DefiningModule,
  isDefinitionName,
  refuseModule,
  UserDefinitions,
} from "../base/user_definitions.ts";
import type * as z from "zod";
import { describeValue } from "../base/text/describe_value.ts";
import { callUser } from "../base/user_calls.ts";
import type { AnyModel, ModelDefinition } from "./definition.ts";
import { heldTerms, requireShape, requireTerms, type UserWork } from "./user_terms.ts";

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

/** The definition with its functions held to what they promise, in one line for each fault. */
function checked(
  definition: ModelDefinition<AnyModel>,
  module: string,
): ModelDefinition<AnyModel> {
  const { kind, loss, logits, generates, directions, faults, unused, flops } = definition;
  const tracing: UserWork = (what, work, check) =>
    callUser({ doing: `trace ${what} of model ${kind}`, module }, work, check);
  const asking = <A extends readonly unknown[], T>(
    name: string,
    ask: (...args: A) => T,
    check?: (made: T) => void,
  ) =>
  (...args: A): T =>
    callUser({ doing: `call ${name} of model ${kind}`, module }, () => ask(...args), check);
  return {
    ...definition,
    loss: (...args) => heldTerms(tracing("the loss", () => loss(...args), requireTerms), tracing),
    ...logits && {
      logits: (scope, input, config) => {
        const { tokens: { shape: [rows = 0, time = 0] }, last, classes } = input;
        const wanted = last ? [rows, classes] : [rows, time, classes];
        return tracing("the logits", () => logits(scope, input, config), (made) => {
          requireShape(made, wanted);
        });
      },
    },
    ...generates && {
      generates: asking("generates", generates, (said) => {
        requireGenerated(said, logits !== undefined);
      }),
    },
    ...directions && { directions: asking("directions", directions) },
    ...faults && { faults: asking("faults", faults) },
    ...unused && { unused: asking("unused", unused) },
    ...flops && { flops: asking("flops", flops) },
  };
}

/** @throws {RangeError} for what no `generates` returns, and for a memory without logits. */
function requireGenerated(said: unknown, hasLogits: boolean): void {
  if (typeof said === "string" && said !== "") return;
  const { memory } = Object(said);
  if (memory !== "window" && memory !== "state") {
    throw new RangeError(
      'need { memory: "window" } or { memory: "state" }, or a sentence why it cannot generate: got ' +
        describeValue(said),
    );
  }
  if (!hasLogits) throw new RangeError("need logits, from which it generates: it has none");
}
