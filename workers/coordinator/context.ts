/** What the parts of a coordinator share: the request, the worker group, and how far the run is. */
import { rootKey } from "../../src/base/random.ts";
import { type Corpus, sourceIn } from "../../src/corpus/corpus.ts";
import { isEvaluable } from "../../src/corpus/evaluable.ts";
import type { Task } from "../../src/data/source.ts";
import { taskOf } from "../../src/data/sources/mod.ts";
import { shapeOf } from "../../src/engine/plans.ts";
import type { ReplicaLayout } from "../../src/engine/plans.ts";
import { MEMBERSHIP_RULES } from "../../src/membership/types.ts";
import type { Rules } from "../../src/membership/types.ts";
import { rateFrom } from "../../src/report/progress/rate.ts";
import type { Rate } from "../../src/report/progress/rate.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import type { Note, WorkerGroupOptions } from "../group/options.ts";
import { WorkerGroup } from "../group/worker_group.ts";
import { Admission } from "./admission.ts";
import { type Course, initialCourse } from "./course.ts";
import type { RunRequest } from "./request.ts";
import { setUp } from "./setup.ts";

/** Connects a worker group to the parts of its coordinator. */
export interface Wiring extends
  Pick<
    WorkerGroupOptions,
    "part" | "interrupted" | "progress" | "lost" | "short" | "rejected" | "unreadable"
  > {
  /** Resolves when no checkpoint is being written. */
  readonly quiet: () => Promise<void>;
}

/** Shared by all parts of a coordinator. */
export class RunContext {
  readonly run: RunRequest;
  readonly group: WorkerGroup;
  readonly course: Course;
  /** Whether there has been a quorum. */
  hasStarted = false;
  readonly shape: ReplicaLayout;
  readonly task: Task;
  /** The text that an evaluation sequence is from. */
  readonly textOf: (sequence: number) => number;
  /** False where the validation parts are too short for any target. */
  readonly isEvaluable: boolean;
  readonly stop: AbortSignal;
  readonly tokensPerStep: number;
  /** Resolves when no checkpoint is being written. */
  readonly quiet: () => Promise<void>;

  constructor(run: RunRequest, { quiet, ...wiring }: Wiring) {
    const { config, corpus } = run;
    this.run = run;
    this.quiet = quiet;
    this.stop = run.stop ?? new AbortController().signal;
    this.shape = shapeOf(config, corpus.vocabulary);
    this.task = taskOf(config.data, corpus.vocabulary);
    this.isEvaluable = isEvaluable(config, corpus);
    this.textOf = textsOf(config, corpus);
    this.tokensPerStep = config.micro_batches * config.micro_batch_size * this.task.time;
    this.course = initialCourse(run, (step) => this.rateAt(step));
    const admission = new Admission(config, corpus);
    this.group = new WorkerGroup({
      launch: run.launch,
      cards: run.cards ?? [],
      ...run.device && { device: run.device },
      workers: config.workers,
      maps: config.exchange.way === "mmap",
      rules: rulesOf(config, run.rules),
      note: (kind, note) => this.note(kind, note),
      limit: (type) => this.#limit(type),
      setUp: () => setUp(config, corpus, { trains: run.trains ?? true, device: run.device }),
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

  /** Passes a point of the coordinator's work. */
  async pass(point: string): Promise<void> {
    await this.run.atPoint?.(point, this.course.step);
  }

  /** The error text when no worker is left: its cause and the remedy. */
  #stranded(why: string): string {
    const { run: { config: { out }, trains = true }, course: { written } } = this;
    const none = `Cannot go on: no worker is left that is as the run is: ${why}`;
    if (!trains || out === null) return `${none}; put back what was changed and start again`;
    return written < 0
      ? `${none}; nothing was saved: --restart=${out} begins anew with what is there now`
      : `${none}; put back what was changed and go on from step ${written} with --resume=${out}`;
  }

  /** Largest payload of a reply type, in bytes. */
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

/** The rules of membership of a run. */
function rulesOf(
  { micro_batches: microBatches, recovery }: RunConfig,
  rules: Partial<Rules> = {},
): Rules {
  return {
    ...MEMBERSHIP_RULES,
    microBatches,
    restarts: recovery.restarts,
    window: 1000 * recovery.window_s,
    floor: 1000 * recovery.deadline_s,
    ...rules,
  };
}

/** The text of each evaluation sequence: only a mixture has several. */
function textsOf(config: RunConfig, corpus: Corpus): (sequence: number) => number {
  if (corpus.texts.length <= 1) return () => 0;
  const source = sourceIn(config, corpus, rootKey(config.seed));
  return (sequence) => source.textOf?.(sequence) ?? 0;
}
