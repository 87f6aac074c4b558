/**
 * What the parts of a coordinator share: the run as it was asked for, its team, and where it
 * stands. It decides nothing.
 */
import { rootKey } from "../../src/base/random.ts";
import type { UserError } from "../../src/base/user_error.ts";
import type { Ruined } from "../../src/checkpoint/ruined.ts";
import type { NamedTensor } from "../../src/checkpoint/tensors/tensor.ts";
import type { Checkpoint } from "../../src/checkpoint/verify.ts";
import type { PinnedCard } from "../../src/cards/pin.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import type { Task } from "../../src/data/source.ts";
import { taskOf } from "../../src/data/sources/mod.ts";
import { FRESH } from "../../src/guard/watch.ts";
import type { WatchState } from "../../src/guard/watch.ts";
import { MEMBERSHIP_RULES } from "../../src/membership/types.ts";
import type { Rules } from "../../src/membership/types.ts";
import type { EventSink } from "../../src/report/events.ts";
import { rateFrom } from "../../src/report/progress/rate.ts";
import type { Rate } from "../../src/report/progress/rate.ts";
import type { LaunchWorkers } from "../launch/processes.ts";
import type { NextAction as Due, RunProgress } from "./next_action.ts";
import { isEvaluable } from "../../src/corpus/evaluable.ts";
import type { Evaluation } from "./evaluated.ts";
import { Faults } from "../faults/plan.ts";
import type { InjectedFault } from "../faults/schema.ts";
import { injectOwnFault } from "../faults/self.ts";
import type { Answer } from "../group/link.ts";
import { shapeOf } from "../../src/engine/plans.ts";
import { Admission } from "./admission.ts";
import { setUp } from "./setup.ts";
import type { ReplicaLayout } from "../../src/engine/plans.ts";
import { type Corpus, sourceIn } from "../../src/corpus/corpus.ts";
import type { NamedState } from "../../src/engine/state.ts";
import { WorkerGroup } from "../group/worker_group.ts";
import type { Note, WorkerGroupOptions } from "../group/options.ts";

/** What is known of a state besides its tensors. */
export interface SavedAt {
  readonly step: number;
  readonly adapter: string;
  readonly shaders: string;
  readonly kernels: string;
  readonly probe: string;
  readonly workers: number;
  /** Validation loss of exactly this state, where it was evaluated. */
  readonly valLoss: number | null;
  /** Steps that were passed over so far, in order. */
  readonly skipped: readonly number[];
  /** Milliseconds for which training stood still. */
  readonly stallMs: number;
  /** It is the run's result: no other follows. */
  readonly last: boolean;
}

/** What a run is made of. */
export interface RunRequest {
  readonly config: RunConfig;
  readonly corpus: Corpus;
  readonly launch: LaunchWorkers;
  /** A card for each worker slot; none where workers share what the driver offers first. */
  readonly cards?: readonly PinnedCard[];
  /** Where to go on from. */
  readonly from?: Checkpoint | undefined;
  /** Parameters that a new run begins with, instead of the seed's. */
  readonly initial?: ReadonlyMap<string, NamedTensor> | undefined;
  /** Steps that were decided to be passed over. */
  readonly skips?: readonly number[];
  readonly report: EventSink;
  /** Writes an entry to the journal; with `sync` it is on disk when this returns. */
  readonly note?: (kind: string, note: Note, sync?: boolean) => void;
  /** Aborted when the run is to end after the step under way. */
  readonly stop?: AbortSignal;
  /** Aborted when the run's folder is not its own any more; the reason is what the run ends with. */
  readonly lost?: AbortSignal;
  /**
   * Called once, when the first workers can run the config and before anything is computed or recorded;
   * what it throws ends the run.
   */
  readonly ready?: () => Promise<void>;
  /** Writes a checkpoint; gives its state hash, or undefined when the disk did not take it. */
  readonly save: (state: NamedState, at: SavedAt) => Promise<string | undefined>;
  /** Removes checkpoints that are kept no longer; those after step `sound` count for nothing. */
  readonly prune?: (sound: number) => Promise<void>;
  /** Sets checkpoints after step `sound` aside: they are ruined. Gives the newest that is left. */
  readonly setAside?: (sound: number) => Promise<number | undefined>;
  /**
   * The newest good checkpoint that passed over these steps as far as it came, if there is any:
   * where a state that was lost begins again.
   */
  readonly reload?: (skips: ReadonlySet<number>) => Promise<Checkpoint | undefined>;
  /** What is due; training, unless told. */
  readonly next?: (progress: RunProgress, config: RunConfig) => Due;
  /** Whether steps may be due; true unless told. */
  readonly trains?: boolean;
  /** Told all of an evaluation. */
  readonly evaluated?: (evaluation: Evaluation) => void;
  /** Seconds on a steady clock. */
  readonly now: () => number;
  readonly faults?: Faults;
  readonly rules?: Partial<Rules>;
  /** Told how to change the number of workers. */
  readonly elastic?: (elastic: Elastic) => void;
}

/** Changes the number of workers from what is wanted now; says what was done. */
export type Elastic = (change: (now: number) => number) => string;

/** How a run ended. */
export interface RunOutcome {
  readonly step: number;
  readonly loss: number;
  readonly valLoss: number | undefined;
  readonly tokens: number;
  readonly tokensPerS: number;
  readonly params: number;
  readonly adapter: string;
  readonly stateHash: string;
  /** Training was asked to stop before its last step. */
  readonly stopped: boolean;
  /** Nothing was computed: it was asked to stop before the first step. */
  readonly idle: boolean;
}

/** Where a run stands. Steps are numbers of finished steps; -1 is never. */
export interface Course {
  step: number;
  /** Of the last step. */
  loss: number;
  /** Of the last evaluation. */
  valLoss: number | undefined;
  evaluated: number;
  sampled: number;
  /** When all replicas were last seen to be the same. */
  proven: number;
  /** When a save was last begun, and of what step the newest checkpoint is. */
  saved: number;
  written: number;
  /** Step whose state could not be saved last. */
  unsaved: number;
  /** A save came to nothing: another one is due whatever the step. */
  owed: boolean;
  /** Hash of the state that was saved last. */
  stateHash: string;
  /** No step was committed since the formation changed. */
  untried: boolean;
  /** The step that all have begun without being told again. */
  granted: number;
  watched: WatchState;
  rate: Rate;
  /** Steps that are passed over. */
  readonly skips: Set<number>;
  /**
   * The last state that gave a loss, and in training a gradient, that is finite. Numbers of a state
   * may be finite and so large that nothing can be computed with them.
   */
  sound: number;
  /** A state that was to be saved and is not finite; undefined where there is none. */
  ruin: { readonly step: number; readonly fault: Ruined } | undefined;
  /** What ends the run once the state is saved; undefined while nothing does. */
  fault: UserError | undefined;
}

/** Wiring of a team to the parts of its coordinator. */
export interface Wiring
  extends Pick<WorkerGroupOptions, "progress" | "lost" | "short" | "rejected" | "unreadable"> {
  /** Takes parts of a checkpoint as they come. */
  readonly part: (id: number, answer: Answer<"part" | "lane" | "saved">) => void;
  /** The formation is over, and what it was about to send will not come. */
  readonly interrupted: () => void;
  /** Waits until no checkpoint is being written. */
  readonly quiet: () => Promise<void>;
}

/** Shared by all parts of a coordinator. */
export class RunContext {
  readonly run: RunRequest;
  readonly group: WorkerGroup;
  readonly course: Course;
  readonly shape: ReplicaLayout;
  readonly task: Task;
  /** Which text an evaluation sequence is of. */
  readonly textOf: (sequence: number) => number;
  /** Whether an evaluation asks anything: validation parts may be too short. */
  readonly isEvaluable: boolean;
  readonly stop: AbortSignal;
  readonly tokensPerStep: number;
  /** Waits until no checkpoint is being written. */
  readonly quiet: () => Promise<void>;
  readonly #faults: Faults;

  constructor(run: RunRequest, wiring: Wiring) {
    const { config, corpus: { vocabulary }, from } = run;
    const { micro_batches: microBatches, recovery } = config;
    this.run = run;
    this.quiet = wiring.quiet;
    this.#faults = run.faults ?? new Faults();
    this.stop = run.stop ?? new AbortController().signal;
    this.shape = shapeOf(config, vocabulary);
    this.task = taskOf(config.data, vocabulary);
    // Only a mixture has sequences of several texts.
    const isMixed = run.corpus.texts.length > 1;
    const source = isMixed ? sourceIn(config, run.corpus, rootKey(config.seed)) : undefined;
    this.isEvaluable = isEvaluable(config, run.corpus);
    this.textOf = (sequence) => source?.textOf?.(sequence) ?? 0;
    this.tokensPerStep = microBatches * config.micro_batch_size * this.task.time;
    const step = from?.manifest.step ?? 0;
    this.course = {
      step,
      loss: NaN,
      valLoss: undefined,
      evaluated: step < config.steps ? step : -1,
      sampled: step,
      proven: -1,
      saved: from === undefined ? -1 : step,
      written: from === undefined ? -1 : step,
      unsaved: -1,
      owed: false,
      stateHash: from?.manifest.stateHash ?? "",
      untried: false,
      granted: -1,
      watched: FRESH,
      rate: this.rateAt(step),
      skips: new Set(run.skips),
      sound: from?.manifest.valLoss == null ? step - 1 : step,
      ruin: undefined,
      fault: undefined,
    };
    const admission = new Admission(config, run.corpus);
    this.group = new WorkerGroup({
      launch: run.launch,
      cards: run.cards ?? [],
      workers: config.workers,
      rules: {
        ...MEMBERSHIP_RULES,
        microBatches,
        restarts: recovery.restarts,
        window: 1000 * recovery.window_s,
        floor: 1000 * recovery.deadline_s,
        ...run.rules,
      },
      faults: this.#faults,
      note: (kind, note) => this.note(kind, note),
      limit: (type) => this.#limit(type),
      setUp: () => setUp(config, run.corpus, { trains: run.trains ?? true }),
      admit: (worker) => admission.differences(worker),
      stranded: (why) => this.#stranded(why),
      ...wiring,
      stop: this.stop,
      now: () => performance.now(),
    });
  }

  /** A rate of steps that begins now. */
  rateAt(step: number): Rate {
    return rateFrom({ tokens: step * this.tokensPerStep, seconds: this.run.now() });
  }

  note(kind: string, note: Note, sync = false): void {
    this.run.note?.(kind, note, sync);
  }

  /** Takes the faults of every rank at some points of a step. */
  strikes(step: number, points: readonly string[]): readonly (readonly InjectedFault[])[] {
    return this.group.members.map((_, rank) => {
      const { strikes, spare } = this.#faults.take({ step, rank }, points);
      if (spare) this.group.spare(rank);
      return strikes;
    });
  }

  /** The coordinator's own faults at a point. */
  async pass(point: string): Promise<void> {
    for (const deed of this.#faults.own(this.course.step, point)) await injectOwnFault(deed);
  }

  /** The error line when no worker is left: its cause and the remedy. */
  #stranded(why: string): string {
    const { run: { config: { out }, trains = true }, course: { written } } = this;
    const none = `Cannot go on: no worker is left that is as the run is: ${why}`;
    if (!trains || out === null) return `${none}; put back what was changed and start again`;
    return written < 0
      ? `${none}; nothing was saved: --restart=${out} begins anew with what is there now`
      : `${none}; put back what was changed and go on from step ${written} with --resume=${out}`;
  }

  /** Most bytes that a reply can carry. */
  #limit(type: string): number {
    const { carries } = this.shape;
    const lane = carries.reduce((n, { tensor }) => n + tensor.shape.reduce((a, b) => a * b, 1), 0);
    const bytes: Readonly<Record<string, number>> = {
      part: 4 * 2 ** 20,
      lane: 4 * lane,
      evaluated: 2 ** 24,
      // Norms and counts of windows, in two directions.
      reached: 4 * 4 * this.task.time,
      sampled: 4 * this.run.config.report.sample_length,
    };
    return bytes[type] ?? 0;
  }
}
