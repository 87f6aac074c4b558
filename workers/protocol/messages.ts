/**
 * The messages between coordinator and workers: a header of plain values, and tensors as a payload of
 * raw bytes.
 */
import type { DeviceKind } from "../../src/base/device_kinds.ts";
import type { TokenizerSpec } from "../../src/data/schema.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import type { SentText } from "../../src/corpus/sent_texts.ts";
import type { HeaderValue } from "../../src/transport/channel.ts";
import type { Reply } from "./schema.ts";

export type { Reply, StepTimes, WorkerProgress } from "./schema.ts";

/** A member of a quorum, by rank. */
export interface MemberOrder {
  readonly workerId: number;
  /** Micro-batches of a step that it computes. */
  readonly count: number;
  /** Rank that it copies the state from; -1: it keeps its own. */
  readonly donor: number;
}

/** An order of the coordinator. */
export type Order =
  /**
   * Payload, u32: for each text that is not in a folder its training and validation tokens, then the
   * positions at which documents begin in both.
   */
  | {
    readonly type: "setup";
    readonly config: RunConfig;
    readonly device: DeviceKind;
    readonly vocabulary: number;
    /** The text's tokenizer, where the data source needs it. */
    readonly tokenizer: TokenizerSpec | null;
    readonly texts: readonly SentText[];
    /** Whether there will be steps: without them less is allocated. */
    readonly trains: boolean;
  }
  /** Leave the current quorum, connect to the members of `attempt`, and copy the state from a donor. */
  | {
    readonly type: "form";
    readonly attempt: number;
    readonly rank: number;
    readonly members: readonly MemberOrder[];
    /** Steps that are finished. */
    readonly step: number;
  }
  /** Initialize the state from the seed. */
  | { readonly type: "reset" }
  /** Payload: one bucket of one vector of a checkpoint, f32. */
  | { readonly type: "load"; readonly vector: string; readonly bucket: number }
  /** Payload: the carried state of micro-batch `index` of a checkpoint, f32. */
  | { readonly type: "load_lane"; readonly index: number }
  /** Reply with the hash of the state. */
  | { readonly type: "prove" }
  /** Compute the gradient of a step, and vote. */
  | { readonly type: "step"; readonly step: number }
  /** All workers have voted: update, and begin the next step if `next`. */
  | { readonly type: "commit"; readonly step: number; readonly next: boolean }
  /** Skip a step: the state stays as it is. */
  | { readonly type: "skip"; readonly step: number }
  /** Compute this worker's share of the evaluation batches. */
  | { readonly type: "evaluate" }
  /** Reply with how far the gradient of the last position reaches back. */
  | { readonly type: "reach" }
  /** Copy this worker's slice of the state, and send it while training goes on. */
  | { readonly type: "save" }
  /** Continue `prompt` by `length` tokens. */
  | {
    readonly type: "sample";
    readonly prompt: readonly number[];
    /** Only the first `known` of the V tokens are drawn. */
    readonly known: number;
    /** Finished steps and the number of the prompt: the key of the random numbers. */
    readonly at: readonly [number, number];
    readonly length: number;
    readonly temperature: number;
  }
  /** Cut an evaluation or a sample short. */
  | { readonly type: "hurry" }
  | { readonly type: "stop" };

/** A message as a channel's header. */
export function header(message: Order | Reply): { type: string; [key: string]: HeaderValue } {
  return message as unknown as { type: string; [key: string]: HeaderValue };
}
