/** What the parts of a sweep share. */
import type { Counts } from "../budget/counts.ts";
import type { RunConfig } from "../config/schema.ts";

/** How large a trial is, whatever its length. */
export interface Size {
  readonly counts: Counts;
  readonly tokensPerStep: number;
  /** Bytes that a worker of it needs, by its plans. */
  readonly bytes: number;
  /** What of it the device has no room for, each with what to lower. */
  readonly faults: readonly string[];
}

/** Finds out how large a config's trial is. @throws {Refusal | RangeError | TypeError} if it is none. */
export type Measure = (config: RunConfig) => Promise<Size>;

/** One training of a sweep. */
export interface Trial {
  /** 16 hex digits, of all that decides its numbers; the name of its folder. */
  readonly key: string;
  /** What sets it apart, for people. */
  readonly name: string;
  /** Of trials that differ in their length alone. */
  readonly group: string;
  /** What the axes, the budget and the replicate say, by key. */
  readonly axes: Readonly<Record<string, unknown>>;
  readonly config: RunConfig;
  readonly size: Size;
  /** That it trains on. */
  readonly tokens: number;
  /** 6ND, of all parameters. */
  readonly flops: number;
}
