/** What a coordinator is given, and what it returns. */
import type { ChosenDevice } from "../../src/base/device_kinds.ts";
import type { UserError } from "../../src/base/user_error.ts";
import type { PinnedCard } from "../../src/cards/pin.ts";
import type { NamedTensor } from "../../src/checkpoint/tensors/tensor.ts";
import type { Checkpoint } from "../../src/checkpoint/verify.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import type { Corpus } from "../../src/corpus/corpus.ts";
import type { NamedState } from "../../src/engine/state.ts";
import type { Rules } from "../../src/membership/types.ts";
import type { EventSink } from "../../src/report/events.ts";
import type { Note } from "../group/options.ts";
import type { LaunchWorkers } from "../launch/processes.ts";
import type { Evaluation } from "./evaluated.ts";
import type { NextAction, RunProgress } from "./next_action.ts";

/** What a checkpoint's manifest records beside its tensors. */
export interface SavedAt {
  readonly step: number;
  readonly adapter: string;
  /** As in Device. */
  readonly mode?: string | undefined;
  readonly shaders: string;
  readonly kernels: string;
  readonly probe: string;
  readonly workers: number;
  /** Validation loss of exactly this state; null where it was not evaluated. */
  readonly valLoss: number | null;
  /** Skipped steps so far, in order. */
  readonly skipped: readonly number[];
  /** Milliseconds for which training stood still. */
  readonly stallMs: number;
  /** It is the run's result: no other checkpoint follows. */
  readonly last: boolean;
}

/** What a run is made of. */
export interface RunRequest {
  readonly config: RunConfig;
  readonly corpus: Corpus;
  readonly launch: LaunchWorkers;
  /** Where the workers compute; by default the device of `config`. */
  readonly device?: ChosenDevice | undefined;
  /** A card for each worker slot; none where workers share the driver's first adapter. */
  readonly cards?: readonly PinnedCard[];
  /** The checkpoint to resume from. */
  readonly from?: Checkpoint | undefined;
  /** Initial parameters of a new run; drawn from the seed by default. */
  readonly initial?: ReadonlyMap<string, NamedTensor> | undefined;
  /** Steps that earlier processes decided to skip. */
  readonly skips?: readonly number[];
  readonly report: EventSink;
  /** Writes an entry to the journal; with `sync` it is on disk on return. */
  readonly note?: (kind: string, note: Note, sync?: boolean) => void;
  /** Aborted when the run is to end after the step under way. */
  readonly stop?: AbortSignal;
  /** Aborted when the run's folder no longer belongs to it; the reason is the run's error. */
  readonly lost?: AbortSignal;
  /**
   * Called once, when the first workers can run the config and before anything is computed or recorded;
   * an error ends the run.
   */
  readonly ready?: () => Promise<void>;
  /** Writes a checkpoint; returns its state hash, or undefined when the disk did not take it. */
  readonly save: (state: NamedState, at: SavedAt) => Promise<string | undefined>;
  /** Removes checkpoints by the retention rules; those after step `sound` do not count. */
  readonly prune?: (sound: number) => Promise<void>;
  /** Sets checkpoints after step `sound` aside as ruined; returns the newest step that is left. */
  readonly setAside?: (sound: number) => Promise<number | undefined>;
  /** The newest good checkpoint that skipped these steps, where a lost state begins again. */
  readonly reload?: (skips: ReadonlySet<number>) => Promise<Checkpoint | undefined>;
  /** What is wrong with the run's data at a step, asked once a worker is lost. */
  readonly examine?: (step: number) => Promise<UserError | undefined>;
  /** Chooses the next action (default: training, `nextTask`). */
  readonly next?: (progress: RunProgress, config: RunConfig) => NextAction;
  /** Whether there can be steps (default true). */
  readonly trains?: boolean;
  /** Called with each evaluation. */
  readonly evaluated?: (evaluation: Evaluation) => void;
  /** Seconds on a steady clock. */
  readonly now: () => number;
  /** For tests: awaited at the points `commit`, `evaluate` and `sample` of a step. */
  readonly atPoint?: ((point: string, step: number) => Promise<void>) | undefined;
  readonly rules?: Partial<Rules>;
  /** Called once with the function that changes the number of workers. */
  readonly elastic?: (elastic: Elastic) => void;
}

/** Changes the number of workers, given the number that is wanted now; returns what was done. */
export type Elastic = (change: (now: number) => number) => string;

/** How a run ended. */
export interface RunOutcome {
  readonly step: number;
  readonly loss: number;
  readonly valLoss: number | undefined;
  readonly tokens: number;
  readonly tokensPerS: number;
  /** Mean share of a step that the exchange took; undefined for one worker. */
  readonly exchangeShare: number | undefined;
  /** Mean share of the exchange that computation hid; undefined for one worker. */
  readonly exchangeHidden: number | undefined;
  readonly params: number;
  readonly adapter: string;
  readonly stateHash: string;
  /** Training was stopped before its last step. */
  readonly stopped: boolean;
  /** Nothing was computed: the run was stopped before its first step. */
  readonly idle: boolean;
}
