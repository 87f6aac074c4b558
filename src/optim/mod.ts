/** The optimizer registry: a new optimizer is one file and one line here. */
import { adamw } from "./adamw.ts";
import type { OptimConfig } from "./schema.ts";
import type { Optimizer } from "./types.ts";

/** Every optimizer by its `kind`. */
export const OPTIMIZERS = { adamw } as const;

/** The optimizer of a config. */
export function optimizerOf(config: OptimConfig): Optimizer<OptimConfig> {
  return OPTIMIZERS[config.kind];
}
