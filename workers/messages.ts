/**
 * What coordinator and workers say to each other. Every message is a header of plain values;
 * tensors travel as raw bytes behind it. Both sides meet these types only here.
 */
import type { TokenizerSpec } from "../src/data/schema.ts";
import type { RunConfig } from "../src/config/schema.ts";
import type { Plain } from "../src/transport/channel.ts";

/** Where a worker's step went: milliseconds by phase. */
export interface StepTimes {
  /** The micro-batches. With peers, until the gradient was read back; alone, until they were queued. */
  readonly compute: number;
  /** Exchange with the peers, waiting for the slowest of them included; 0 when alone. */
  readonly exchange: number;
  /** Handing the sum to the device; 0 when alone. */
  readonly write: number;
  /** The update, until its loss was read; alone, also what the device still had to compute. */
  readonly update: number;
}

/** From the coordinator. */
export type Order =
  /** Payload: training tokens, then validation tokens, as u32. */
  | {
    readonly type: "setup";
    readonly config: RunConfig;
    readonly vocabulary: number;
    /** The text's tokenizer; null where no text is read. */
    readonly tokenizer: TokenizerSpec | null;
    readonly trainTokens: number;
  }
  /** Payload: one piece of one vector as f32, to resume from. */
  | { readonly type: "load"; readonly vector: string; readonly piece: number }
  /** Payload: a state that a micro-batch carries, as f32, to resume from. */
  | { readonly type: "load_carry"; readonly name: string; readonly index: number }
  /** Compute the gradient of a step, and vote. */
  | { readonly type: "step"; readonly step: number }
  /** Every worker voted: update; then go on with the next step if `next`. */
  | { readonly type: "commit"; readonly step: number; readonly next: boolean }
  /** Compute this worker's share of the evaluation batches. */
  | { readonly type: "evaluate" }
  /** Tell how far the gradient of the last position reaches back. */
  | { readonly type: "reach" }
  /** Send this worker's slice of parameters and moments. */
  | { readonly type: "save" }
  /** Continue `prompt` by `length` tokens. */
  | {
    readonly type: "sample";
    readonly prompt: readonly number[];
    readonly length: number;
    readonly temperature: number;
  }
  | { readonly type: "stop" };

/** From a worker. */
export type Reply =
  | {
    readonly type: "ready";
    readonly adapter: string;
    readonly params: number;
  }
  | { readonly type: "loaded" }
  | { readonly type: "vote"; readonly step: number }
  | {
    readonly type: "stats";
    readonly step: number;
    readonly loss: number;
    readonly norm: number;
    readonly times: StepTimes;
  }
  /**
   * Payload, f64: number, loss sum, counted and met targets of each of this worker's evaluation
   * sequences.
   */
  | { readonly type: "evaluated" }
  /** Payload, f32: norms of dLoss_T / dh_t for t = T, T - 1, ... 1. */
  | { readonly type: "reached" }
  /** Payload: elements of one piece of one vector from `start`, as f32. */
  | {
    readonly type: "part";
    readonly vector: string;
    readonly piece: number;
    readonly start: number;
  }
  /** Payload: a state that a micro-batch of this worker carries, as f32. */
  | { readonly type: "carry"; readonly name: string; readonly index: number }
  | { readonly type: "saved" }
  /** Payload, u32: the tokens drawn. */
  | { readonly type: "sampled" }
  | { readonly type: "failed"; readonly exit: string; readonly message: string };

/** A message as a channel's header. */
export function header(message: Order | Reply): { type: string; [key: string]: Plain } {
  return message as unknown as { type: string; [key: string]: Plain };
}
