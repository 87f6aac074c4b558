/** The optimizer registry: a new optimizer is one file and one line here. */
import * as z from "zod";
import { adamw, adamwSchema } from "./adamw.ts";
import { userOptimizer } from "./define.ts";
import { lion, lionSchema } from "./lion.ts";
import { muon, muonSchema } from "./muon.ts";
import { momentsOf } from "./rules.ts";
import { sgd, sgdSchema } from "./sgd.ts";
import type { Optimizer } from "./types.ts";

/** Every optimizer by its `kind`. */
export const OPTIMIZERS = {
  adamw: { schema: adamwSchema, optimizer: adamw },
  sgd: { schema: sgdSchema, optimizer: sgd },
  lion: { schema: lionSchema, optimizer: lion },
  muon: { schema: muonSchema, optimizer: muon },
} as const;

/** The `optim` part of a config: the schema of the optimizer that `kind` names. */
export const optimSchema = z.discriminatedUnion("kind", [
  OPTIMIZERS.adamw.schema,
  OPTIMIZERS.sgd.schema,
  OPTIMIZERS.lion.schema,
  OPTIMIZERS.muon.schema,
]);

/** A complete `optim` part. */
export type OptimConfig = z.infer<typeof optimSchema>;

/** The optimizer of a config. */
export function optimizerOf(config: OptimConfig): Optimizer<OptimConfig> {
  const { kind, sha256 } = config as OptimConfig & { readonly sha256?: string };
  // The table pairs each kind with its config type, which TypeScript cannot express here.
  return (userOptimizer(sha256) ?? OPTIMIZERS[kind]).optimizer as Optimizer<OptimConfig>;
}

/** The vectors of a replica's state, in the order of checkpoints: parameters, then moments. */
export function stateVectors(config: OptimConfig): readonly string[] {
  return ["param", ...momentsOf(optimizerOf(config), config)];
}
