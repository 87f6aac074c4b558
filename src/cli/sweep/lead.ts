/**
 * Runs a sweep: starts trials while slots are free, evaluates those that ended, and journals both.
 * The decisions are made by src/sweep.
 */
import { writingFault } from "../../base/file_fault.ts";
import { showCount, showLoss } from "../../report/format.ts";
import type { Status } from "../../report/progress/status.ts";
import type { Bounds } from "../../sweep/bounds.ts";
import { retryVerdict } from "../../sweep/retry.ts";
import {
  isPayable,
  type Job,
  pick,
  type Room,
  type SchedulerChoice,
} from "../../sweep/scheduler.ts";
import type { Sweep } from "../../sweep/schema.ts";
import { isHeld, jobsOf, type TrialProgress, untilOf } from "../../sweep/trial_progress.ts";
import { attempt } from "./attempt.ts";
import type { Books } from "./books.ts";
import { CardLeases } from "./leases.ts";
import { SweepMeter } from "./meter.ts";
import { outcomeRows } from "./outcomes.ts";
import { SweepDisplay } from "./display.ts";
import { Promotions } from "./promotion.ts";
import { readTrial, savedStepsOf } from "./trial_folder.ts";

/** Milliseconds between polls for the checkpoints of a trunk that other trials branch from. */
const LOOK = 250;

/** Milliseconds between polls of the progress of trials. */
const SHOW = 1000;

/** Options of a sweep. */
export interface LeadOptions {
  readonly sweep: Sweep;
  readonly standings: ReadonlyMap<string, TrialProgress>;
  readonly books: Books;
  /** Trials that run at the same time. */
  readonly places: number;
  /** Cards of the machine by name; none where trials share what the driver offers. */
  readonly cards: readonly string[];
  /** Threads of each trial's driver where several share the box. */
  readonly threads: number;
  readonly bounds: Bounds;
  readonly stop: AbortSignal;
  /** Shows the progress of the trials and prints their results. */
  readonly status: Status;
}

/** Trains until no trial is left or the budget is spent; returns the utilization of the slots. */
export async function leadSweep(options: LeadOptions): Promise<SweepMeter> {
  return await new Lead(options).run();
}

class Lead {
  readonly #options: LeadOptions;
  readonly #running = new Map<string, { readonly job: Job; readonly ended: Promise<void> }>();
  readonly #meter: SweepMeter;
  readonly #leases: CardLeases;
  readonly #display: SweepDisplay;
  readonly #promotions: Promotions;
  readonly #stop: AbortSignal;
  readonly #broken = new AbortController();
  #spent = 0;

  constructor(options: LeadOptions) {
    this.#options = options;
    this.#meter = new SweepMeter(options.places);
    this.#stop = AbortSignal.any([options.stop, this.#broken.signal, options.books.lost]);
    this.#leases = new CardLeases(options.cards);
    this.#display = new SweepDisplay(options);
    this.#promotions = new Promotions({
      ...options,
      onPromoted: (one, reason) => this.#display.say("on    ", one, reason),
    });
  }

  async run(): Promise<SweepMeter> {
    const timer = setInterval(() => {
      this.#look();
      this.#display.show();
    }, SHOW);
    try {
      return await this.#all();
    } finally {
      clearInterval(timer);
    }
  }

  async #all(): Promise<SweepMeter> {
    for (;;) {
      this.#trying(() => this.#promotions.promote({ isIdle: this.#running.size === 0 }));
      if (!this.#stop.aborted) this.#startAll();
      this.#meter.queue(this.#jobs().some((job) => isPayable(job, this.#room())));
      if (this.#running.size === 0) break;
      await this.#change();
    }
    this.#options.books.lost.throwIfAborted();
    // Report the failure after all running trials are saved.
    this.#broken.signal.throwIfAborted();
    return this.#meter;
  }

  /** An error in a decision stops the sweep after running trials are saved. */
  #trying(work: () => void): void {
    if (this.#broken.signal.aborted) return;
    try {
      work();
    } catch (error) {
      this.#broken.abort(error);
    }
  }

  /** Waits until a trial has ended, or a trunk may have reached a branching step. */
  async #change(): Promise<void> {
    const { standings } = this.#options;
    const held = Array.from(standings.values()).filter((one) =>
      one.state === "waits" && isHeld(one, standings)
    );
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = new Promise<void>((resolve) => {
      if (held.length > 0) timer = setTimeout(resolve, LOOK);
    });
    await Promise.race([look, ...Array.from(this.#running.values(), ({ ended }) => ended)]);
    clearTimeout(timer);
    for (const key of new Set(held.map(({ share }) => share.trunk?.key as string))) {
      const trunk = standings.get(key);
      if (trunk?.state !== "runs") continue;
      await savedStepsOf(this.#folder(key)).then(
        (steps) => trunk.checkpoints = steps,
        (error) => this.#broken.abort(error),
      );
    }
  }

  #folder(key: string): string {
    return this.#options.books.folder(key);
  }

  #jobs(): Job[] {
    const { standings, sweep: { trunk, large }, places } = this.#options;
    return jobsOf(standings, {
      trunks: trunk,
      places: ({ size, config }) =>
        Math.min(places, size.counts.all >= large ? places : config.workers),
    });
  }

  #room(): Room {
    const { places, sweep, bounds } = this.#options;
    const jobs = Array.from(this.#running.values(), ({ job }) => job);
    return {
      places,
      free: places - jobs.reduce((sum, job) => sum + job.places, 0),
      bytes: jobs.reduce((sum, job) => sum + job.bytes, 0),
      memory: sweep.memory,
      flops: bounds.flops - this.#spent,
    };
  }

  #startAll(): void {
    for (;;) {
      const choice = pick(this.#jobs(), this.#room());
      if (choice === undefined) return;
      const { job } = choice;
      const one = this.#options.standings.get(job.key) as TrialProgress;
      one.state = "runs";
      one.tries++;
      this.#spent += job.flops;
      const ended = this.#train(one, choice)
        .catch((error) => this.#broken.abort(error))
        .finally(() => this.#running.delete(job.key));
      this.#running.set(job.key, { job, ended });
    }
  }

  async #train(one: TrialProgress, { job, reason }: SchedulerChoice): Promise<void> {
    const { sweep, standings, books, places, threads } = this.#options;
    const { key, name, size } = one.trial;
    const until = untilOf(one);
    const end = await attempt(one, {
      books,
      standings,
      meter: this.#meter,
      trunks: sweep.trunk,
      places: job.places,
      cards: (workers) => this.#leases.lease(workers, one.trial.config),
      threads: job.places < places ? threads : undefined,
      reason,
      stop: this.#stop,
      started: (from) => {
        this.#display.begin(key, from);
        const params = showCount(size.counts.all);
        this.#display.say("start ", one, `${params} parameters, steps ${from} to ${until}`);
      },
    });
    one.steps = readTrial(this.#folder(key)).steps;
    one.checkpoints = await savedStepsOf(this.#folder(key));
    const { verdict, reason: why } = retryVerdict({ ...end, steps: one.steps }, {
      until,
      tries: one.tries,
      retries: sweep.retries,
      stopping: this.#stop.aborted,
    });
    if (verdict === "reached") return this.#reached(one);
    one.state = verdict === "failed" ? "failed" : "waits";
    one.reason = verdict === "failed" ? why : null;
    books.journal.write({ kind: verdict, key, name, code: end.code, reason: why });
    if (verdict === "failed") this.#write();
    this.#display.say({ retry: "again ", failed: "failed", stopped: "paused" }[verdict], one, why);
  }

  #reached(one: TrialProgress): void {
    const { trial: { key, name }, rungs, rung } = one;
    const isLast = rung === rungs.length - 1;
    const step = untilOf(one);
    const loss = readTrial(this.#folder(key)).valLosses.get(step) ?? null;
    one.losses.set(step, loss);
    one.state = isLast ? "done" : "rests";
    one.tries = 0;
    const kind = isLast ? "done" : "rung";
    this.#options.books.journal.write({ kind, key, name, step, val_loss: loss });
    this.#write();
    const shown = loss === null ? "none" : showLoss(loss);
    this.#display.say(isLast ? "done  " : "rung  ", one, `val loss ${shown} at step ${step}`);
  }

  #write(): void {
    const { standings, books } = this.#options;
    try {
      books.write(outcomeRows(standings, books));
    } catch (error) {
      // All rows are written again when the next trial ends, and at the end.
      const fault = writingFault(error, { doing: "write the trials to", path: books.out });
      if (fault === undefined) throw error;
      this.#display.print(`${fault.message}; training goes on`);
    }
  }

  /** Notices a folder that was moved while trials run. */
  #look(): void {
    try {
      this.#options.books.check();
    } catch {
      // A lost lock stops the sweep; if the check itself fails, the next write reports why.
    }
  }
}
