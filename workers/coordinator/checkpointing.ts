/**
 * Asynchronous checkpoints, one at a time: members copy their parts and send them between votes, and
 * the state is merged and written in the background while training goes on.
 */
import { NonFiniteState } from "../../src/checkpoint/non_finite.ts";
import { Collector } from "./collector.ts";
import { prove } from "./recovery.ts";
import type { RunContext } from "./context.ts";
import type { SavedAt } from "./request.ts";
import type { Answer } from "../group/link.ts";
import type { NamedState } from "../../src/engine/state.ts";

/** Deadline of the parts of the first checkpoint, ms. */
const UNMEASURED = 120_000;
/** Wait for the disk from which on a notice is shown, ms. */
const NOTICE_MS = 1000;
/** Deadline of parts as a multiple of the time of the parts before. */
const FACTOR = 8;

/** A run's checkpoints. */
export class Checkpointing {
  #collector: Collector | undefined;
  #writing: Promise<void> | undefined;
  #fault: unknown;
  #isWaitReported = false;
  /** Deadline of parts, ms. */
  #deadline = UNMEASURED;
  /** The newest checkpoint at the last retention. */
  #pruned = -1;

  /** Takes a part of a state from worker `id`. */
  take(id: number, answer: Answer<"part" | "lane" | "saved">): void {
    this.#collector?.take(id, answer);
  }

  /** Drops the checkpoint that is being collected: its parts will not arrive. */
  drop(): void {
    this.#collector?.drop();
  }

  /** Waits for the checkpoint that is being written. @throws its error. */
  async settle(): Promise<void> {
    await this.#writing;
    this.check();
  }

  /** @throws the error of a background write, once. */
  check(): void {
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault !== undefined) throw fault;
  }

  /** Saves the current state. Training waits for the copy; the last save is waited for whole. */
  async save(context: RunContext, { last }: { last: boolean }): Promise<void> {
    const { group, course, run: { config }, shape } = context;
    const { step } = course;
    if (this.#writing !== undefined) await this.#catchUp(context);
    // Only a state that all members hold is saved.
    if (group.members.length > 1 && course.proven !== step) await prove(context);
    if (course.step !== step) return;
    const start = performance.now();
    const collector = new Collector(group.members.map(({ id }) => id), { shape, config });
    this.#collector = collector;
    await group.order({ type: "save" });
    await group.expect("copied");
    const at = savedAt(context, { last, stallMs: Math.round(performance.now() - start) });
    course.owed = false;
    course.saved = step;
    this.#inBackground(this.#write(context, collector, at));
    if (last) await this.settle();
  }

  /**
   * Applies retention once a loss was computed with the newest checkpoint: until then that one may be
   * ruined, and the older ones are needed.
   */
  tidy(context: RunContext): void {
    const { course: { sound, written } } = context;
    if (written === this.#pruned || this.#writing !== undefined || sound < written) return;
    this.#inBackground(this.#prune(context));
  }

  /** Waits for the last write and applies retention, even if no loss followed the newest checkpoint. */
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

  /** Waits for the checkpoint before: a short interval costs time, not checkpoints. */
  async #catchUp(context: RunContext): Promise<void> {
    const start = performance.now();
    await this.settle();
    const ms = Math.round(performance.now() - start);
    context.note("save_waited", { step: context.course.step, ms });
    if (ms < NOTICE_MS || this.#isWaitReported) return;
    this.#isWaitReported = true;
    const text = `Training waited ${ms} ms for the checkpoint before to be written: ` +
      "checkpoint.every is short for this disk";
    context.run.report({ type: "notice", text });
  }

  async #write(context: RunContext, collector: Collector, at: SavedAt): Promise<void> {
    const { course, run } = context;
    await this.#prune(context);
    const state = await this.#gather(context, collector);
    // Interrupted: the next quorum saves as soon as it is formed.
    if (state === undefined) {
      course.owed = true;
      if (course.saved === at.step) course.saved = -1;
      return;
    }
    const hash = await run.save(state, at).catch((error) => {
      if (!(error instanceof NonFiniteState)) throw error;
      course.ruin = { step: at.step, fault: error };
      return undefined;
    });
    // A state that the disk did not take is saved at the next checkpoint, or when the run ends here.
    course.unsaved = hash === undefined && course.ruin === undefined ? at.step : -1;
    if (hash === undefined) return;
    course.stateHash = hash;
    course.written = at.step;
  }

  /** The state, or undefined when it will not arrive. Members that miss the deadline are expelled. */
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
    mode: group.facts.mode,
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
