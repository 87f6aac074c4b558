/** Types shared by the sweep modules. */
import type { Counts } from "../budget/counts.ts";
import type { RunConfig } from "../config/schema.ts";

/** Size of a trial, independent of its length. */
export interface Size {
  readonly counts: Counts;
  /** Parameters that one token does not use, which cost no FLOP; default: 0. */
  readonly idle?: number;
  readonly tokensPerStep: number;
  /** Bytes per worker, by its plan. */
  readonly bytes: number;
  /** Limits of the device that it exceeds, each with the key to lower. */
  readonly faults: readonly string[];
}

/** Measures a config. @throws {UserError | RangeError | TypeError} for an invalid one. */
export type Measure = (config: RunConfig) => Promise<Size>;

/** One training of a sweep. */
export interface Trial {
  /** 16 hex digits that identify its results; the name of its folder. */
  readonly key: string;
  /** Name for people. */
  readonly name: string;
  /** Key of the trials that differ only in length. */
  readonly group: string;
  /** Values of axes, budget and replicate by key. */
  readonly axes: Readonly<Record<string, unknown>>;
  readonly config: RunConfig;
  readonly size: Size;
  /** Training tokens. */
  readonly tokens: number;
  /** 6ND, with N all parameters. */
  readonly flops: number;
}

/** FLOP of training per token: 6 per parameter that a token uses, of `params` in all. */
export function flopsOfToken({ counts, idle = 0 }: Size, params = counts.all): number {
  return 6 * (params - idle);
}
