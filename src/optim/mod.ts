/** The table of optimizers: a new one is a file of its own and a line here. */
import { adamw } from "./adamw.ts";
import type { OptimConfig } from "./schema.ts";
import type { Optimizer } from "./types.ts";

/** Every optimizer by its `kind`. */
export const OPTIMIZERS = { adamw } as const;

/** The optimizer that a config names. */
export function optimizerOf(config: OptimConfig): Optimizer<OptimConfig> {
  return OPTIMIZERS[config.kind];
}
