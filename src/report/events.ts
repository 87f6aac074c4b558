/** The events of a run, as plain values. */
import type { HeaderRow } from "./header_lines.ts";
import type { Summary } from "./summary.ts";

/** Facts about a run that are known before its first step. */
export interface RunFacts {
  /** Name of the run. */
  readonly name: string;
  /** Number of parameters. */
  readonly params: number;
  /** World size. */
  readonly workers: number;
  /** Name of the device. */
  readonly adapter: string;
  /** How it computes, where that changes its speed and no bits. */
  readonly mode?: string;
  /** Device class that its kernels were chosen for. */
  readonly kernels: string;
  /** Hash of its shaders. */
  readonly shaders: string;
  /** Hash of its device's result for the first micro-batch. */
  readonly probe: string;
  /** Version of Deno. */
  readonly deno: string;
  /** Tokens per step. */
  readonly tokensPerStep: number;
  /** Steps of the whole run. */
  readonly steps: number;
  /** Steps finished before: 0, or the step of the checkpoint. */
  readonly from: number;
}

/** A finished step. */
export interface StepFacts {
  /** Finished steps, this one included. */
  readonly step: number;
  /** Mean over the tokens of the step's batch, in nats. */
  readonly loss: number;
  /** Mean of each term of the loss by name, if there are several. */
  readonly terms?: Readonly<Record<string, number>>;
  /** Learning rate. */
  readonly lr: number;
  /** Norm of the whole gradient before clipping. */
  readonly gradNorm: number;
  /** Tokens trained on since step 0. */
  readonly tokens: number;
  /** Tokens per second, over the last steps. */
  readonly tokensPerS: number;
  /** Milliseconds for which the exchange kept the step waiting, and bytes that all workers sent. */
  readonly exchange?: { readonly ms: number; readonly bytes: number };
  /** Wall clock since this process started training. */
  readonly seconds: number;
}

/** A published checkpoint. */
export interface CheckpointFacts {
  /** Finished steps. */
  readonly step: number;
  /** Path of its folder. */
  readonly path: string;
  /** Milliseconds for which it was written. */
  readonly ms: number;
  /** Size in bytes. */
  readonly bytes: number;
  /** Milliseconds for which training was blocked. */
  readonly stallMs: number;
}

/** Progress of a long operation on the workers. */
export interface ProgressFacts {
  /** Kernels compiled, or sequences evaluated. */
  readonly of: "kernels" | "sequences";
  /** How many of them are done. */
  readonly done: number;
  /** How many there are. */
  readonly total: number;
  /** Workers that `done` and `total` are summed over. */
  readonly workers: number;
}

/** Direction of a recurrent network. */
export type Direction = "forward" | "backward";

/** Gradient norms by distance in one direction, over the windows of a batch. */
export interface Reach {
  /** Direction in which the layer reads. */
  readonly direction: Direction;
  /** Norms of dLoss / dh_t by distance in steps, from 0; zero if no window is that long. */
  readonly norms: readonly number[];
  /** Windows that have a step at that distance and count in its norm. */
  readonly windows: readonly number[];
}

/** One event of a run. */
export type RunEvent =
  /** The run's configuration, before its workers are ready. */
  | { readonly type: "header"; readonly rows: readonly HeaderRow[] }
  | { readonly type: "progress" } & ProgressFacts
  /** An activity that may take a while begins, such as `evaluating`. */
  | { readonly type: "doing"; readonly what: string }
  | { readonly type: "start"; readonly run: RunFacts }
  | { readonly type: "step" } & StepFacts
  | {
    readonly type: "eval";
    readonly step: number;
    readonly valLoss: number;
    readonly valAccuracy?: number;
    /** Mean of each term by name, if there are several. */
    readonly terms?: Readonly<Record<string, number>>;
    /** By text, if there are several; null for one with nothing to evaluate. */
    readonly texts?: readonly { readonly name: string; readonly valLoss: number | null }[];
  }
  /** Gradient norms by distance, for each direction of the model. */
  | { readonly type: "reach"; readonly step: number; readonly reaches: readonly Reach[] }
  /** A checkpoint is about to be published: sinks must sync the records of its steps. */
  | { readonly type: "saving"; readonly step: number }
  | { readonly type: "checkpoint" } & CheckpointFacts
  /** Steps after this one are rolled back and trained again. */
  | { readonly type: "rewind"; readonly step: number }
  | { readonly type: "notice"; readonly text: string }
  /** The model's continuation of a prompt; the prompt is empty if none was given. */
  | {
    readonly type: "sample";
    readonly step: number;
    readonly prompt: string;
    readonly text: string;
  }
  | { readonly type: "end"; readonly summary: Summary };

/** Receives events in order. */
export type EventSink = (event: RunEvent) => void;
