/**
 * What coordinator and workers say to each other. Every message is a header of plain values;
 * tensors travel as raw bytes behind it. Both sides meet these types only here.
 */
import type { TokenizerSpec } from "../../src/data/schema.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import type { HeaderValue } from "../../src/transport/channel.ts";
import type { InjectedFault } from "../faults/schema.ts";
import type { Reply } from "./schema.ts";

export type { Reply, StepTimes, WorkerProgress } from "./schema.ts";

/** A worker's place in a formation, by rank. */
export interface MemberOrder {
  readonly workerId: number;
  /** Micro-batches of a step that it computes. */
  readonly count: number;
  /** Rank that it copies the state from; -1 when it keeps its own. */
  readonly donor: number;
}

/** A text as a worker is told of it: its tokens are sent, or lie in a prepared folder. */
export type SentText =
  & { readonly name: string; readonly weight: number }
  & (
    | {
      readonly train: number;
      readonly validation: number;
      /** How many places at which documents begin are sent of each part. */
      readonly begins: readonly [train: number, validation: number] | null;
    }
    | { readonly folder: string; readonly documents: boolean }
  );

/** From the coordinator. Faults are for tests: struck once, at the points they name. */
export type Order =
  /**
   * Payload, u32: of each text that is not on disk the tokens to train and to validate on, then the
   * places at which documents begin in both.
   */
  | {
    readonly type: "setup";
    readonly config: RunConfig;
    readonly vocabulary: number;
    /** The text's tokenizer, where the source must know it. */
    readonly tokenizer: TokenizerSpec | null;
    readonly texts: readonly SentText[];
    /** Whether it will be told to step: what only a step needs is not made otherwise. */
    readonly trains: boolean;
    readonly strikes: readonly InjectedFault[];
  }
  /** Leave whatever is under way, meet the others as `attempt`, and copy the state where told to. */
  | {
    readonly type: "form";
    readonly attempt: number;
    readonly rank: number;
    readonly members: readonly MemberOrder[];
    /** Steps that are finished. */
    readonly step: number;
  }
  /** Begin with the seed's parameters. */
  | { readonly type: "reset" }
  /** Payload: one bucket of one vector as f32, to resume from. */
  | { readonly type: "load"; readonly vector: string; readonly bucket: number }
  /** Payload: what micro-batch `index` carries, as f32, to resume from. */
  | { readonly type: "load_lane"; readonly index: number }
  /** Tell the hash of the state. */
  | { readonly type: "prove" }
  /** Compute the gradient of a step, and vote. */
  | { readonly type: "step"; readonly step: number; readonly strikes: readonly InjectedFault[] }
  /** Every worker voted: update; then go on with the next step if `next`. */
  | {
    readonly type: "commit";
    readonly step: number;
    readonly next: boolean;
    readonly strikes: readonly InjectedFault[];
  }
  /** Pass over a step: the state stays as it is. */
  | { readonly type: "skip"; readonly step: number }
  /** Compute this worker's share of the evaluation batches. */
  | { readonly type: "evaluate"; readonly strikes: readonly InjectedFault[] }
  /** Tell how far the gradient of the last position reaches back. */
  | { readonly type: "reach" }
  /** Copy this worker's slice of parameters and moments, and send it while training goes on. */
  | { readonly type: "save"; readonly strikes: readonly InjectedFault[] }
  /** Continue `prompt` by `length` tokens. */
  | {
    readonly type: "sample";
    readonly prompt: readonly number[];
    /** How many of the V tokens may be drawn, the first ones. */
    readonly known: number;
    /** Finished steps, and the number of the prompt: each draws by numbers of its own. */
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
