/** Rotary position embeddings: the op, and its tables of cosines and sines. */
export { rotary, rotaryOp } from "./rotary.ts";
export type { RotaryOptions } from "./rotary.ts";
export type { RotaryAttrs, RotaryPairing } from "./rotary_sizes.ts";
export { rotaryFrequencies, rotaryTables, rotaryValues } from "./rotary_tables.ts";
export type { RotaryFrequencies, RotaryScaling, RotaryTables } from "./rotary_tables.ts";
