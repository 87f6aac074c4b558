/**
 * Leads a team through a run: forms it, lets it do what is due, and forms it again when a worker
 * is lost or another number of them is wanted. Whatever was interrupted is done again by the next
 * formation. It holds no parameters and touches no file: effects come as functions.
 */
import { UserError } from "../../src/base/user_error.ts";
import { tokensPerSecond } from "../../src/report/progress/rate.ts";
import { evaluateRun, sampleRun } from "./evaluation.ts";
import { nextTask } from "./next_action.ts";
import type { NextAction } from "./next_action.ts";
import { load, loadInitial, prove, rewind } from "./recovery.ts";
import { Checkpointing } from "./checkpointing.ts";
import { RunContext } from "./context.ts";
import type { RunOutcome, RunRequest } from "./context.ts";
import { passOver, ruined, step } from "./stepping.ts";
import { Interrupted } from "../group/options.ts";

export type { Elastic, RunOutcome, RunRequest, SavedAt } from "./context.ts";

/** Trains to the last step, or until told to stop. @throws when it cannot go on. */
export async function coordinate(run: RunRequest): Promise<RunOutcome> {
  return await new Coordinator(run).lead();
}

class Coordinator {
  readonly #lead: RunContext;
  readonly #keeper = new Checkpointing();
  /** Whether a formation has ever stood. */
  #started = false;

  constructor(run: RunRequest) {
    this.#lead = new RunContext(run, {
      part: (id, answer) => this.#keeper.take(id, answer),
      interrupted: () => this.#keeper.drop(),
      quiet: () => this.#keeper.settle(),
      progress: (sum) => run.report({ type: "progress", ...sum }),
      lost: ({ id, why }) => {
        run.report({ type: "notice", text: `Worker ${id} is lost: ${why}` });
      },
      rejected: ({ id, why, isLast }) => {
        const text = `Worker ${id} differs from the run and is turned away: ${why}`;
        const rest = isLast
          ? "; no other is started until one is lost or deno task workers asks"
          : "";
        run.report({ type: "notice", text: text + rest });
        if (isLast) this.#saveSoon();
      },
      short: (why) => {
        run.report({ type: "notice", text: why });
        this.#saveSoon();
      },
      unreadable: (fault) => this.#lead.course.fault ??= fault,
    });
  }

  /** Asks for a save: if the workers that are left are lost too, nobody holds the state. */
  #saveSoon(): void {
    const { course } = this.#lead;
    if (course.saved !== course.step) course.owed = true;
  }

  async lead(): Promise<RunOutcome> {
    const { group: team, run: { elastic, now } } = this.#lead;
    using _grace = this.#heedStop();
    using _lost = this.#heedLoss();
    elastic?.((change) => this.#want(change(team.wanted)));
    try {
      await team.open();
      const start = now();
      while (await this.#turn(start));
      await this.#keeper.finish(this.#lead);
    } catch (error) {
      // The first fault is the cause; errors after it may be consequences.
      throw this.#lead.course.fault ?? error;
    } finally {
      this.#keeper.drop();
      await this.#keeper.settle().catch(() => {}); // the error that ended the run is reported
      await team.close().catch(() => {}); // leftovers do not change the outcome
    }
    const { fault } = this.#lead.course;
    if (fault !== undefined) throw this.#saved(fault);
    return this.#outcome();
  }

  /** The next task. A fault ends the run as a stop does. */
  #next(): NextAction {
    const { course, run: { config, next = nextTask }, stop } = this.#lead;
    return next({ ...course, stopping: stop.aborted || course.fault !== undefined }, config);
  }

  /**
   * Waits for the save under way; false when it came to nothing or to a ruined state. Asks for the next
   * task again, so that each turn that does not end the run has something to do: one without would
   * repeat forever, and without a timer or a read nothing else in the process would run.
   */
  async #isOver(): Promise<boolean> {
    await this.#keeper.settle();
    return this.#lead.course.ruin === undefined && this.#next() === "end";
  }

  /** Does one thing; false when nothing is left. */
  async #turn(start: number): Promise<boolean> {
    const { group: team, course, run: { config } } = this.#lead;
    this.#keeper.check();
    try {
      // A step that all have begun is finished first, whatever else is due.
      const isUnderWay = course.granted === course.step && team.isWhole;
      if (!isUnderWay && team.wantsForming) return await this.#form();
      if (!isUnderWay && course.ruin !== undefined) {
        await ruined(this.#lead, course.ruin);
        return true;
      }
      this.#keeper.tidy(this.#lead);
      const task = isUnderWay ? "step" : this.#next();
      if (task !== "end") await this.#do(task, start);
      else if (course.step >= config.steps && course.fault === undefined) {
        await sampleRun(this.#lead);
      }
      return task !== "end" || !await this.#isOver();
    } catch (error) {
      if (error instanceof Interrupted) return true;
      throw error;
    }
  }

  #do(task: Exclude<NextAction, "end">, start: number): Promise<void> {
    const lead = this.#lead;
    switch (task) {
      case "evaluate":
        return evaluateRun(lead);
      case "sample":
        return sampleRun(lead);
      case "prove":
        return prove(lead);
      case "save":
      case "save_last":
        return this.#keeper.save(lead, { last: task === "save_last" });
      case "step":
        return lead.course.skips.has(lead.course.step) ? passOver(lead) : step(lead, start);
    }
  }

  /** Makes a formation and brings all of it to one state; false when the run is over instead. */
  async #form(): Promise<boolean> {
    const lead = this.#lead;
    const { group: team, course, run: { from, initial } } = lead;
    const before = team.members.map(({ id }) => id);
    course.granted = -1;
    course.untried = this.#started;
    if (!this.#started) {
      lead.run.report({ type: "doing", what: `starting ${workersText(team.wanted)}` });
    }
    const places = await team.form(course.step);
    if (places === undefined) return false;
    const isFirst = !this.#started;
    if (isFirst) await lead.run.ready?.();
    if (isFirst) this.#announce();
    else this.#tellOfChange(before, places.map(({ id }) => id));
    if (!places.some((place) => place.holds)) {
      if (!isFirst) await rewind(lead, "no worker is left that holds the state");
      else if (from !== undefined) await load(lead, from);
      else if (initial !== undefined) await loadInitial(lead, initial);
    }
    if (!isFirst || from !== undefined || initial !== undefined) await prove(lead);
    team.settle(true);
    // What went before, the start of workers or a loss, is no measure of the steps that follow.
    course.rate = lead.rateAt(course.step);
    lead.note("settled", { attempt: team.attempt, step: course.step });
    return true;
  }

  #announce(): void {
    const { group: team, course, tokensPerStep, run: { config, report } } = this.#lead;
    const { params, identity } = team.facts;
    const { deno, adapter, kernels, shaders, probe } = identity;
    this.#started = true;
    report({
      type: "start",
      run: {
        name: config.name,
        params,
        workers: team.members.length,
        deno,
        adapter,
        kernels,
        shaders,
        probe,
        tokensPerStep,
        steps: config.steps,
        from: course.step,
      },
    });
  }

  #tellOfChange(before: readonly number[], after: readonly number[]): void {
    const { group: team, course, run: { report } } = this.#lead;
    const gone = before.filter((id) => !after.includes(id)).length;
    const come = after.filter((id) => !before.includes(id)).length;
    if (gone + come === 0) return;
    const changes = [...gone > 0 ? [`${gone} gone`] : [], ...come > 0 ? [`${come} new`] : []];
    const text = `Going on from step ${course.step} with ${after.length} of ` +
      `${team.wanted} workers (${changes.join(", ")})`;
    report({ type: "notice", text });
  }

  #want(workers: number): string {
    const { group: team, run: { cards = [], config: { micro_batches: most } } } = this.#lead;
    if (!(workers >= 1 && workers <= most)) {
      throw new UserError(
        "config",
        `Cannot go on with ${workers} workers: needs 1 to ${most} (micro_batches)`,
      );
    }
    if (cards.length > 0 && workers > cards.length) {
      throw new UserError(
        "config",
        `Cannot go on with ${workers} workers: need a card for each: --gpus gave ${cards.length}`,
      );
    }
    const before = team.wanted;
    team.resize(workers);
    return `${workers} workers are wanted instead of ${before}`;
  }

  /** A stop cuts evaluations and samples short, and must come to an end in time. */
  #heedStop(): Disposable {
    const { stop, group: team, course, run: { config } } = this.#lead;
    const seconds = config.recovery.grace_s;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onStop = () => {
      if (this.#started) team.order({ type: "hurry" }).catch(() => {});
      timer = setTimeout(() => {
        const { written } = course;
        const newest = written < 0 ? "there is no checkpoint" : `the newest is of step ${written}`;
        const text = `Cannot end in time: recovery.grace_s (${seconds} s) are over; ${newest}`;
        team.fail(new UserError("lost", text));
      }, 1000 * seconds);
    };
    if (stop.aborted) onStop();
    else stop.addEventListener("abort", onStop, { once: true });
    return {
      [Symbol.dispose]: () => {
        clearTimeout(timer);
        stop.removeEventListener("abort", onStop);
      },
    };
  }

  /** Ends the run at once when its folder is lost: nothing that it computes can be saved. */
  #heedLoss(): Disposable {
    const { group: team, run: { lost } } = this.#lead;
    const onLoss = () => team.fail(lost?.reason);
    if (lost?.aborted) onLoss();
    else lost?.addEventListener("abort", onLoss, { once: true });
    return { [Symbol.dispose]: () => lost?.removeEventListener("abort", onLoss) };
  }

  /** The fault that ends the run, with the step that a resume goes on from. */
  #saved(fault: UserError): UserError {
    const { run: { trains = true }, course: { written } } = this.#lead;
    if (!trains || written < 0) return fault;
    const text = `${fault.message}; step ${written} is saved: put it right and resume the run`;
    return new UserError(fault.exit, text);
  }

  #outcome(): RunOutcome {
    const { group: team, course, tokensPerStep, run: { config: { steps } } } = this.#lead;
    const { step, loss, valLoss, rate, stateHash } = course;
    return {
      step,
      loss,
      valLoss,
      tokens: step * tokensPerStep,
      tokensPerS: tokensPerSecond(rate),
      params: this.#started ? team.facts.params : 0,
      adapter: this.#started ? team.facts.identity.adapter : "",
      stateHash,
      stopped: step < steps,
      idle: !this.#started,
    };
  }
}

function workersText(count: number): string {
  return count === 1 ? "1 worker" : `${count} workers`;
}
