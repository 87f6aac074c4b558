/** Optimizers that modules of the user define, registered by the hash of their modules. */
import {
  type DefiningModule,
  isDefinitionName,
  refuseModule,
  UserDefinitions,
} from "../base/user_definitions.ts";
import * as z from "zod";
import { checkSchedule, commonFields, decoupledDecay } from "./fields.ts";
import { learningRate, type ScheduleConfig } from "./schedule.ts";
import type { Optimizer, UpdateRule } from "./types.ts";
import { heldOptimizer } from "./user_optimizer.ts";

/** The schema of an optimizer's own keys, as `z.strictObject` of zod makes it. */
export interface OptimizerKeys<K> {
  /** The keys. */
  readonly shape: object;
  /** The value, checked and with its defaults. @throws where it is not valid. */
  parse(value: unknown): K;
}

/** The `optim` part of a config for an optimizer of the user; `K`: its own keys. */
export type UserOptimConfig<K> = K & {
  /** Name of the optimizer. */
  readonly kind: string;
  /** Peak learning rate. */
  readonly lr: number;
  /** Weight decay; a group of parameters may have its own. */
  readonly weight_decay: number;
  /** Largest global norm of the gradient; 0 turns clipping off. */
  readonly clip: number;
};

/** An optimizer: its own keys, and how it updates. */
export interface OptimizerDefinition<K = unknown> {
  /** Name, as in configs. */
  readonly kind: string;
  /**
   * Its keys beside those that all optimizers have: `lr`, `weight_decay`, clipping, schedule, groups.
   * Default: none. A key `lr` or `weight_decay` replaces the default of that one.
   */
  readonly keys?: OptimizerKeys<K>;
  /** The update, as `elementwise` makes it of a formula. */
  readonly optimizer: Optimizer<UserOptimConfig<K>>;
}

/** Types an optimizer's definition. */
export function defineOptimizer<K = unknown>(
  definition: OptimizerDefinition<K>,
): OptimizerDefinition<K> {
  return definition;
}

/** The learning rate of a step, counted from 0, by the schedule of a config. */
export function scheduledRate<K>(step: number, config: UserOptimConfig<K>): number {
  return learningRate(step, config as unknown as ScheduleConfig);
}

/** A registered optimizer, and the schema of its whole section but its module. */
interface Registered {
  readonly optimizer: Optimizer<unknown>;
  readonly schema: z.ZodObject;
}

const registered = new UserDefinitions<Registered>();

/** The optimizer that the module with this SHA-256 defines, as a config has it. */
export function userOptimizer(sha256: string | undefined): Registered | undefined {
  return registered.of(sha256);
}

/**
 * Registers the optimizer that a module exports; returns its kind. `shipped`: kinds of Shoal's own.
 * @throws {UserError} `config` for what is no optimizer, and for a kind of Shoal's own.
 */
export function registerOptimizer(
  exported: unknown,
  from: DefiningModule,
): string {
  const { module, sha256, shipped } = from;
  const { kind, keys = z.strictObject({}), optimizer } = Object(exported) as Partial<
    OptimizerDefinition
  >;
  const { rules, scalars, scalarsAt } = Object(optimizer) as Partial<Optimizer<unknown>>;
  const all: Partial<UpdateRule<unknown>>[] = Object.values(Object(rules)).map(Object);
  const isWhole = all.length > 0 && Array.isArray(scalars) && typeof scalarsAt === "function" &&
    all.every(({ moments, trace }) => typeof moments === "function" && typeof trace === "function");
  if (!isDefinitionName(kind) || !isWhole || typeof Object(keys).shape !== "object") {
    return refuseModule(
      from,
      "need an optimizer as default export, by defineOptimizer({ kind, keys, optimizer })",
    );
  }
  if (shipped.includes(kind)) {
    refuseModule(from, `need a kind of its own: Shoal has an optimizer ${kind}`);
  }
  const schema = z.strictObject({
    kind: z.literal(kind).describe("Optimizer"),
    lr: z.number().gt(0).default(1e-3).describe("Peak learning rate"),
    weight_decay: decoupledDecay,
    ...commonFields,
    ...keys.shape as z.ZodRawShape,
  }).superRefine((config, context) => checkSchedule(config as unknown as ScheduleConfig, context));
  const held = heldOptimizer(optimizer as Optimizer<unknown>, { kind, module });
  registered.add(sha256, { optimizer: held, schema });
  return kind;
}
