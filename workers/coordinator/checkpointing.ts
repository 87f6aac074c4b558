/**
 * Checkpoints while training goes on: members copy their parts, send them behind the votes, and
 * the state is put together and written in the background. One at a time.
 */
import { Ruined } from "../../src/checkpoint/ruined.ts";
import { Collector } from "./collector.ts";
import { prove } from "./recovery.ts";
import type { RunContext } from "./context.ts";
import type { SavedAt } from "./request.ts";
import type { Answer } from "../group/link.ts";
import type { NamedState } from "../../src/engine/state.ts";

/** Milliseconds that the parts of the first checkpoint may take. */
const UNMEASURED = 120_000;
/** Milliseconds of waiting for the disk that are worth a line. */
const WORTH_TELLING = 1000;
/** Deadline of parts as a multiple of how long the ones before took. */
const FACTOR = 8;

/** A run's checkpoints. */
export class Checkpointing {
  #collector: Collector | undefined;
  #writing: Promise<void> | undefined;
  #fault: unknown;
  #told = false;
  /** Milliseconds that parts may take to come. */
  #deadline = UNMEASURED;
  /** The newest checkpoint when others were removed last. */
  #pruned = -1;

  /** Takes a part of a state. */
  take(id: number, answer: Answer<"part" | "lane" | "saved">): void {
    this.#collector?.take(id, answer);
  }

  /** What was about to come will not. */
  drop(): void {
    this.#collector?.drop();
  }

  /** Waits for the checkpoint that is being written. @throws what went wrong with it. */
  async settle(): Promise<void> {
    await this.#writing;
    this.check();
  }

  /** @throws what went wrong in the background. */
  check(): void {
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault !== undefined) throw fault;
  }

  /** Saves the state as it stands. Training waits for the copy; the last one is waited for. */
  async save(context: RunContext, { last }: { last: boolean }): Promise<void> {
    const { group, course, run: { config }, shape } = context;
    const { step } = course;
    if (this.#writing !== undefined) await this.#catchUp(context);
    // What is saved is what all of them hold.
    if (group.members.length > 1 && course.proven !== step) await prove(context);
    if (course.step !== step) return;
    const start = performance.now();
    const collector = new Collector(group.members.map(({ id }) => id), { shape, config });
    this.#collector = collector;
    const strikes = context.strikes(step, ["save"]);
    await group.order((rank) => ({ type: "save", strikes: strikes[rank] ?? [] }));
    await group.expect("copied");
    const at = savedAt(context, { last, stallMs: Math.round(performance.now() - start) });
    course.owed = false;
    course.saved = step;
    this.#inBackground(this.#write(context, collector, at));
    if (last) await this.settle();
  }

  /**
   * Removes what is kept no longer, once a loss was computed with the newest checkpoint: until then it
   * may be ruined, and the ones before it are all there is.
   */
  tidy(context: RunContext): void {
    const { course: { sound, written } } = context;
    if (written === this.#pruned || this.#writing !== undefined || sound < written) return;
    this.#inBackground(this.#prune(context));
  }

  /** Removes at the end what is kept no longer, whether the newest checkpoint counts or not. */
  async finish(context: RunContext): Promise<void> {
    await this.settle();
    await this.#prune(context);
  }

  #inBackground(work: Promise<void>): void {
    this.#writing = work.catch((error) => {
      this.#fault ??= error;
    }).finally(() => this.#writing = undefined);
  }

  async #prune({ course: { written, sound }, run }: RunContext): Promise<void> {
    if (written === this.#pruned) return;
    this.#pruned = written;
    await run.prune?.(sound);
  }

  /** Waits for the one before: an interval that is too short costs time, not checkpoints. */
  async #catchUp(context: RunContext): Promise<void> {
    const start = performance.now();
    await this.settle();
    const ms = Math.round(performance.now() - start);
    context.note("save_waited", { step: context.course.step, ms });
    if (ms < WORTH_TELLING || this.#told) return;
    this.#told = true;
    const text = `Training waited ${ms} ms for the checkpoint before to be written: ` +
      "checkpoint.every is short for this disk";
    context.run.report({ type: "notice", text });
  }

  async #write(context: RunContext, collector: Collector, at: SavedAt): Promise<void> {
    const { course, run } = context;
    await this.#prune(context);
    const state = await this.#gather(context, collector);
    // Interrupted: the next formation saves as soon as it stands.
    if (state === undefined) {
      course.owed = true;
      if (course.saved === at.step) course.saved = -1;
      return;
    }
    const hash = await run.save(state, at).catch((error) => {
      if (!(error instanceof Ruined)) throw error;
      course.ruin = { step: at.step, fault: error };
      return undefined;
    });
    // What the disk did not take is saved when the next one is due, or when the run ends here.
    course.unsaved = hash === undefined && course.ruin === undefined ? at.step : -1;
    if (hash === undefined) return;
    course.stateHash = hash;
    course.written = at.step;
  }

  /** The state, or undefined when it will not come; who does not send its part in time is expelled. */
  async #gather(
    { group, run }: RunContext,
    collector: Collector,
  ): Promise<NamedState | undefined> {
    const start = performance.now();
    const seconds = (this.#deadline / 1000).toFixed(1);
    const late = setTimeout(() => {
      for (const id of collector.missing) {
        group.expel(id, `hung: its part of a checkpoint did not come within ${seconds} s`);
      }
    }, this.#deadline);
    const state = await collector.state.finally(() => clearTimeout(late));
    if (state !== undefined) {
      const least = 1000 * run.config.recovery.deadline_s;
      this.#deadline = Math.max(least, FACTOR * (performance.now() - start));
    }
    return state;
  }
}

function savedAt(
  { group, course, run: { config } }: RunContext,
  { last, stallMs }: { last: boolean; stallMs: number },
): SavedAt {
  const { step } = course;
  const { adapter, shaders, kernels, probe } = group.facts.identity;
  return {
    step,
    adapter,
    shaders,
    kernels,
    probe,
    workers: group.members.length,
    valLoss: course.evaluated === step && step > 0 ? course.valLoss ?? null : null,
    skipped: [...course.skips].filter((each) => each < Math.min(step, config.steps))
      .sort((a, b) => a - b),
    stallMs,
    last,
  };
}
