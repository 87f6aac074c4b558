/**
 * A run from start to end: forms a quorum of workers, lets it evaluate, sample, save and step as
 * nextTask() says, and forms the next one when a worker is lost or another number is wanted. An action
 * that was interrupted is due again in the next quorum. The effects on files come with the request.
 */
import { Interrupted } from "../group/options.ts";
import { Checkpointing } from "./checkpointing.ts";
import { RunContext } from "./context.ts";
import { evaluateRun, sampleRun } from "./evaluation.ts";
import { formQuorum } from "./forming.ts";
import { nextTask } from "./next_action.ts";
import type { NextAction } from "./next_action.ts";
import { groupNotices } from "./notices.ts";
import { outcomeOf, withSavedStep } from "./outcome.ts";
import { prove } from "./recovery.ts";
import type { RunOutcome, RunRequest } from "./request.ts";
import { resizeGroup } from "./resize.ts";
import { ruined, skipStep, step } from "./stepping.ts";
import { failWhenFolderIsLost, hurryOnStop } from "./stopping.ts";

export type { Elastic, RunOutcome, RunRequest, SavedAt } from "./request.ts";

/** Trains to the last step, or until it is stopped. @throws the error that ends the run. */
export async function coordinate(run: RunRequest): Promise<RunOutcome> {
  return await new Coordinator(run).train();
}

class Coordinator {
  readonly #context: RunContext;
  readonly #checkpoints = new Checkpointing();

  constructor(run: RunRequest) {
    const checkpoints = this.#checkpoints;
    this.#context = new RunContext(run, {
      part: (id, answer) => checkpoints.take(id, answer),
      interrupted: () => checkpoints.drop(),
      quiet: () => checkpoints.settle(),
      ...groupNotices(() => this.#context),
    });
  }

  /** Opens the group, runs one action after another, and closes the group. */
  async train(): Promise<RunOutcome> {
    const context = this.#context;
    const { group, course, run: { elastic, now } } = context;
    using _stop = hurryOnStop(context);
    using _folder = failWhenFolderIsLost(context);
    elastic?.((change) => resizeGroup(context, change(group.wanted)));
    try {
      await group.open();
      const start = now();
      while (await this.#act(start));
      await this.#checkpoints.finish(context);
    } catch (error) {
      // The first fault is the cause; errors after it may be consequences.
      throw course.fault ?? error;
    } finally {
      this.#checkpoints.drop();
      await this.#checkpoints.settle().catch(() => {}); // the error that ended the run is reported
      await group.close().catch(() => {}); // leftovers do not change the outcome
    }
    if (course.fault !== undefined) throw withSavedStep(context, course.fault);
    return outcomeOf(context);
  }

  /** Does one thing; false when nothing is left. `start`: when training began, in seconds. */
  async #act(start: number): Promise<boolean> {
    const context = this.#context;
    const { group, course } = context;
    this.#checkpoints.check();
    try {
      if (course.isDoubtful) await this.#examine();
      // A step that all members have begun is finished first, whatever else is due.
      const isUnderWay = course.granted === course.step && group.isWhole;
      if (!isUnderWay && group.wantsForming) return await formQuorum(context);
      if (!isUnderWay && course.ruin !== undefined) {
        await ruined(context, course.ruin);
        return true;
      }
      this.#checkpoints.tidy(context);
      const action = isUnderWay ? "step" : this.#next();
      if (action === "end") return await this.#end();
      await this.#perform(action, start);
      return true;
    } catch (error) {
      if (error instanceof Interrupted) return true;
      throw error;
    }
  }

  /** A batch that hangs costs worker after worker: its source is the cause, and ends the run. */
  async #examine(): Promise<void> {
    const { course, run: { examine } } = this.#context;
    course.isDoubtful = false;
    course.fault ??= await examine?.(course.step);
  }

  /** The next action. A fault ends the run as a stop does. */
  #next(): NextAction {
    const { course, run: { config, next = nextTask }, stop } = this.#context;
    return next({ ...course, stopping: stop.aborted || course.fault !== undefined }, config);
  }

  async #perform(action: Exclude<NextAction, "end">, start: number): Promise<void> {
    const context = this.#context;
    const { course: { skips, step: finished } } = context;
    switch (action) {
      case "evaluate":
        return await evaluateRun(context);
      case "sample":
        return await sampleRun(context);
      case "prove":
        return await prove(context);
      case "save":
      case "save_last":
        return await this.#checkpoints.save(context, { last: action === "save_last" });
      case "step":
        return await (skips.has(finished) ? skipStep(context) : step(context, start));
    }
  }

  /**
   * Draws the last samples and waits for the save under way; true when that leaves something to do,
   * because the save failed or the state is ruined. Chooses the next action again, so that no turn of
   * the loop is empty: one without a timer or a read would block the event loop forever.
   */
  async #end(): Promise<boolean> {
    const { course, run: { config } } = this.#context;
    if (course.step >= config.steps && course.fault === undefined) await sampleRun(this.#context);
    await this.#checkpoints.settle();
    return course.ruin !== undefined || this.#next() !== "end";
  }
}
