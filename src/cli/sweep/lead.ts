/**
 * Runs a sweep: starts trials while slots are free, evaluates those that ended, and journals both.
 * The decisions are made by src/sweep.
 */
import { maxOf } from "../../base/extremes.ts";
import { writingFault } from "../../base/file_fault.ts";
import { cardNamesIn } from "../../cards/choose.ts";
import { spread } from "../../cards/spread.ts";
import type { RunConfig } from "../../config/schema.ts";
import { showCount, showLoss } from "../../report/format.ts";
import type { Status } from "../../report/progress/status.ts";
import { sweepText, workOf } from "../../sweep/forecast.ts";
import { finalist, promotion, type RungReached } from "../../sweep/asha.ts";
import type { Bounds } from "../../sweep/bounds.ts";
import { judgeFailure } from "../../sweep/retry.ts";
import {
  isPayable,
  type Job,
  pick,
  type Room,
  type SchedulerChoice,
} from "../../sweep/scheduler.ts";
import type { Sweep } from "../../sweep/schema.ts";
import { isHeld, jobsOf, lossAt, type SweepStanding, untilOf } from "../../sweep/standing.ts";
import { attempt, type Lease } from "./attempt.ts";
import type { Books } from "./books.ts";
import { SweepMeter } from "./meter.ts";
import { outcomeRows } from "./outcomes.ts";
import { lastStep, readTrial, savedStepsOf } from "./trial_folder.ts";

/** Milliseconds between polls for the checkpoints of a trunk that other trials branch from. */
const LOOK = 250;

/** Milliseconds between polls of the progress of trials. */
const SHOW = 1000;

/** Options of a sweep. */
export interface LeadOptions {
  readonly sweep: Sweep;
  readonly standings: ReadonlyMap<string, SweepStanding>;
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
  /** Highest rung that each trial was promoted to. */
  readonly #promoted = new Map<string, number>();
  readonly #leases = new Set<Lease>();
  readonly #stop: AbortSignal;
  readonly #broken = new AbortController();
  /** The step from which each trial resumed in this call, and when the call began. */
  readonly #begun = new Map<string, number>();
  readonly #start = performance.now();
  #spent = 0;

  constructor(options: LeadOptions) {
    this.#options = options;
    this.#meter = new SweepMeter(options.places);
    this.#stop = AbortSignal.any([options.stop, this.#broken.signal, options.books.lost]);
    for (const [key, { rung }] of options.standings) this.#promoted.set(key, rung);
  }

  async run(): Promise<SweepMeter> {
    const timer = setInterval(() => {
      this.#look();
      this.#show();
    }, SHOW);
    try {
      return await this.#all();
    } finally {
      clearInterval(timer);
    }
  }

  async #all(): Promise<SweepMeter> {
    for (;;) {
      this.#trying(() => this.#promote());
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
      const one = this.#options.standings.get(job.key) as SweepStanding;
      one.state = "runs";
      one.tries++;
      this.#spent += job.flops;
      const ended = this.#train(one, choice)
        .catch((error) => this.#broken.abort(error))
        .finally(() => this.#running.delete(job.key));
      this.#running.set(job.key, { job, ended });
    }
  }

  /** Cards for a trial: of those that its config names, else of all. */
  #lease(workers: number, { device, gpus: named }: RunConfig): Lease {
    const inUse = Array.from(this.#leases, ({ gpus }) => gpus).flat();
    const cards = named === null ? this.#options.cards : Array.from(new Set(cardNamesIn(named)));
    const gpus = device === "reference" ? [] : spread(cards, { workers, inUse });
    const lease = { gpus, [Symbol.dispose]: () => void this.#leases.delete(lease) };
    this.#leases.add(lease);
    return lease;
  }

  async #train(one: SweepStanding, { job, reason }: SchedulerChoice): Promise<void> {
    const { sweep, standings, books, places, threads } = this.#options;
    const { key, name, size } = one.trial;
    const until = untilOf(one);
    const end = await attempt(one, {
      books,
      standings,
      meter: this.#meter,
      trunks: sweep.trunk,
      places: job.places,
      cards: (workers) => this.#lease(workers, one.trial.config),
      threads: job.places < places ? threads : undefined,
      reason,
      stop: this.#stop,
      started: (from) => {
        if (!this.#begun.has(key)) this.#begun.set(key, from);
        const params = showCount(size.counts.all);
        this.#say("start ", one, `${params} parameters, steps ${from} to ${until}`);
      },
    });
    one.steps = readTrial(this.#folder(key)).steps;
    one.checkpoints = await savedStepsOf(this.#folder(key));
    const { verdict, reason: why } = judgeFailure({ ...end, steps: one.steps }, {
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
    this.#say({ retry: "again ", failed: "failed", stopped: "paused" }[verdict], one, why);
  }

  #reached(one: SweepStanding): void {
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
    this.#say(isLast ? "done  " : "rung  ", one, `val loss ${shown} at step ${step}`);
  }

  /** Promotes the trials that early stopping selects. */
  #promote(): void {
    const { sweep: { asha }, standings, books } = this.#options;
    if (asha === undefined) return;
    const list = Array.from(standings.values());
    const reached = list.flatMap((one) => one.state === "failed" ? [] : this.#rungs(one));
    const rungs = maxOf(list.map((one) => one.rungs.length));
    for (;;) {
      const bracket = { promoted: this.#promoted, rungs, eta: asha.eta };
      const isOver = this.#running.size === 0 && list.every(({ state }) => state !== "waits");
      const next = promotion(reached, bracket) ?? (isOver ? finalist(reached, bracket) : undefined);
      if (next === undefined) return;
      const { key, rung, reason } = next;
      const one = standings.get(key) as SweepStanding;
      // Journal the decision before it takes effect, so that a resumed sweep repeats it.
      books.journal.write({ kind: "promoted", key, rung, reason }, { sync: true });
      this.#promoted.set(key, rung);
      one.rung = rung;
      one.state = "waits";
      this.#say("on    ", one, reason);
    }
  }

  /** The rungs that a trial has reached, except the last, with its losses there. */
  #rungs(one: SweepStanding): RungReached[] {
    const { trial: { key }, rungs, steps } = one;
    const { valLosses } = readTrial(this.#folder(key));
    return rungs.slice(0, -1).flatMap((step, rung) =>
      step <= steps ? [{ key, rung, loss: lossAt(one, step, valLosses) }] : []
    );
  }

  #write(): void {
    const { standings, books, status } = this.#options;
    try {
      books.write(outcomeRows(standings, books));
    } catch (error) {
      // All rows are written again when the next trial ends, and at the end.
      const fault = writingFault(error, { doing: "write the trials to", path: books.out });
      if (fault === undefined) throw error;
      status.print(`${fault.message}; training goes on`);
    }
  }

  #say(word: string, { trial: { name } }: SweepStanding, text: string): void {
    const all = Array.from(this.#options.standings.values());
    const over = all.filter(({ state }) => state === "done" || state === "failed").length;
    this.#options.status.print(`[${over}/${all.length}] ${word} ${name}: ${text}`);
    this.#show();
  }

  /** Detects that the folder was moved while trials run. */
  #look(): void {
    try {
      this.#options.books.check();
    } catch {
      // A lost lock stops the sweep; if the check itself fails, the next write reports why.
    }
  }

  /** Shows the running trials and the remaining time at the current rate. */
  #show(): void {
    const all = Array.from(this.#options.standings.values());
    const stepOf = (one: SweepStanding) =>
      one.state === "runs" ? lastStep(this.#folder(one.trial.key)) : one.steps;
    let [done, left] = [0, 0];
    for (const one of all) {
      const { trial, share: { trunk }, state } = one;
      if (state === "failed") continue;
      const begun = this.#begun.get(trial.key);
      const at = Math.max(stepOf(one), begun ?? trunk?.step ?? 0);
      const { steps, stepFlops } = workOf(trial, at);
      if (begun !== undefined) done += (at - begun) * stepFlops;
      if (state !== "done") left += steps * stepFlops;
    }
    const running = all.filter(({ state }) => state === "runs")
      .map((one) => ({ name: one.trial.name, step: stepOf(one), until: untilOf(one) }));
    const over = all.filter(({ state }) => state === "done" || state === "failed").length;
    const seconds = (performance.now() - this.#start) / 1000;
    const progress = { over, trials: all.length, running, done, left };
    this.#options.status.show("training", { text: sweepText(progress, seconds) });
  }
}
