/** What a run tells about itself: plain values, so that any sink can take them. */
import type { HeaderRow } from "./header_lines.ts";
import type { Summary } from "./summary.ts";

/** What a run is, known before its first step. */
export interface RunFacts {
  readonly name: string;
  /** Number of parameters. */
  readonly params: number;
  /** World size. */
  readonly workers: number;
  readonly adapter: string;
  /** Class of devices that its kernels were chosen for. */
  readonly kernels: string;
  /** Hash of its shaders. */
  readonly shaders: string;
  /** Hash of what its device makes of the first micro-batch. */
  readonly probe: string;
  /** Version of Deno. */
  readonly deno: string;
  readonly tokensPerStep: number;
  /** Steps of the whole run. */
  readonly steps: number;
  /** Steps that were finished before: 0, or the step of the checkpoint. */
  readonly from: number;
}

/** A finished step. */
export interface StepFacts {
  /** Finished steps, this one included. */
  readonly step: number;
  /** Mean over the tokens of the step's batch, in nats. */
  readonly loss: number;
  readonly lr: number;
  /** Norm of the whole gradient before clipping. */
  readonly gradNorm: number;
  /** Tokens trained on since step 0. */
  readonly tokens: number;
  readonly tokensPerS: number;
  /** Wall clock since this process started training. */
  readonly seconds: number;
}

/** A checkpoint that was published. */
export interface CheckpointFacts {
  readonly step: number;
  readonly path: string;
  readonly ms: number;
  readonly bytes: number;
  /** Milliseconds for which training stood still. */
  readonly stallMs: number;
}

/** How far the workers are that are waited for. */
export interface ProgressFacts {
  /** Kernels that are compiled, or sequences that are evaluated. */
  readonly of: "kernels" | "sequences";
  readonly done: number;
  readonly total: number;
  /** Workers over which this is summed. */
  readonly workers: number;
}

/** Which way a recurrent network reads. */
export type Direction = "forward" | "backward";

/** How far a gradient reaches in one direction, over the windows of a batch. */
export interface Reach {
  readonly direction: Direction;
  /** Norms of dLoss / dh_t by distance in steps, from 0; zeros where no window is so long. */
  readonly norms: readonly number[];
  /** Windows that have a step at that distance, and count in its norm. */
  readonly windows: readonly number[];
}

/** One event of a run. */
export type RunEvent =
  /** The run begins: what it is, before its workers are there. */
  | { readonly type: "header"; readonly rows: readonly HeaderRow[] }
  | { readonly type: "progress" } & ProgressFacts
  /** Something is begun that may take a while, as `evaluating`. */
  | { readonly type: "doing"; readonly what: string }
  | { readonly type: "start"; readonly run: RunFacts }
  | { readonly type: "step" } & StepFacts
  | {
    readonly type: "eval";
    readonly step: number;
    readonly valLoss: number;
    readonly valAccuracy?: number;
    /** By text, where there are several; null for one of which nothing can be asked. */
    readonly texts?: readonly { readonly name: string; readonly valLoss: number | null }[];
  }
  /** How far gradients reach, in each direction that the model reads. */
  | { readonly type: "reach"; readonly step: number; readonly reaches: readonly Reach[] }
  /** A checkpoint is about to be published: what was told of its steps must not be lost. */
  | { readonly type: "saving"; readonly step: number }
  | { readonly type: "checkpoint" } & CheckpointFacts
  /** Steps after this one do not count: they are done again. */
  | { readonly type: "rewind"; readonly step: number }
  | { readonly type: "notice"; readonly text: string }
  /** How the model continues a prompt after a step; the prompt is empty where none was given. */
  | {
    readonly type: "sample";
    readonly step: number;
    readonly prompt: string;
    readonly text: string;
  }
  | { readonly type: "end"; readonly summary: Summary };

/** Takes events in the order in which they happen. */
export type EventSink = (event: RunEvent) => void;
