/**
 * The membership of a worker group: feeds events to src/membership and carries out the commands that
 * follow, with the processes and the links of the workers.
 */
import { UserError } from "../../src/base/user_error.ts";
import { decide, isWhole, noMembers } from "../../src/membership/decide.ts";
import type { Command, Membership, MembershipEvent } from "../../src/membership/types.ts";
import type { WorkerProcesses } from "../launch/processes.ts";
import type { Link } from "./link.ts";
import { memberOrders } from "./member_orders.ts";
import { Interrupted, type WorkerGroupOptions } from "./options.ts";
import { Zombies } from "./zombies.ts";

/** The workers of a run with their processes and links. */
export class Members {
  readonly options: WorkerGroupOptions;
  /** Links to the workers that have joined, by id. */
  readonly links = new Map<number, Link>();
  /** Processes of the workers; undefined before they are launched. */
  processes: WorkerProcesses | undefined;
  /** Finished steps. */
  step = 0;
  readonly #zombies = new Zombies();
  #state: Membership;
  #changed = Promise.withResolvers<void>();
  #fatal: Error | undefined;
  #isClosed = false;

  constructor(options: WorkerGroupOptions) {
    this.options = options;
    this.#state = noMembers(options.workers, options.now());
  }

  get state(): Membership {
    return this.#state;
  }

  /** Resolves at the next change of the membership. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  /** @throws the error that ends the run, if there is one. */
  check(): void {
    if (this.#fatal) throw this.#fatal;
  }

  /** Ends the run, whatever it waits for. The first error counts. */
  fail(error: Error): void {
    this.#fatal ??= error;
    this.#interrupt();
  }

  /** Resolves the current promise of {@linkcode changed}. */
  wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  /** Lets the clock run on, and closes the links of evicted workers that spoke. */
  tick(): void {
    this.feed({ type: "tick" });
    for (const { id, frames } of this.#zombies.hangUp()) {
      this.options.note("stale", { worker: id, frames });
    }
  }

  /** Handles the end of a link; false if its worker was evicted before. */
  linkEnded(id: number): boolean {
    return !this.#zombies.ended(id);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const link of this.links.values()) link.close();
    this.#zombies.close();
    await this.processes?.close();
  }

  /** Decides what follows an event, and carries it out. */
  feed(event: MembershipEvent): void {
    if (this.#isClosed) return;
    const { rules, now, note, lost, short } = this.options;
    const before = this.#state;
    const decision = decide(before, event, { now: now(), rules });
    const { state, commands, reasons, losses = [], shortages = [] } = decision;
    this.#state = state;
    for (const loss of losses) lost?.(loss);
    for (const why of shortages) short?.(why);
    for (const reason of reasons) {
      note("membership", { event: event.type, attempt: state.attempt, step: this.step, reason });
    }
    const released = commands.filter((c) => c.type === "release").map(({ id }) => id);
    for (const { id } of before.members) {
      if (state.members.some((m) => m.id === id) || released.includes(id)) continue;
      this.#evict(id);
    }
    for (const command of commands) this.#carryOut(command);
    if (state.formed.length > 0 && !isWhole(state)) this.#interrupt();
    if (state !== before && event.type !== "heard") this.wake();
  }

  #carryOut(command: Command): void {
    switch (command.type) {
      case "spawn":
        return this.processes?.spawn(command.id, command.workerId);
      case "kill":
        return; // feed() evicts every worker that is no longer a member
      case "release":
        return this.#release(command.id);
      case "give_up":
        return this.fail(new UserError("lost", `Cannot go on: ${command.why}`));
      case "strand": {
        const { stranded = (why) => `Cannot go on: ${why}` } = this.options;
        return this.fail(new UserError("incompatible", stranded(command.why)));
      }
      case "form": {
        const members = memberOrders(command.places);
        const { step } = this;
        const { attempt } = command;
        command.places.forEach(({ id }, rank) =>
          this.links.get(id)?.order({ type: "form", attempt, rank, members, step })
        );
      }
    }
  }

  #release(id: number): void {
    const link = this.links.get(id);
    this.links.delete(id);
    if (link === undefined) return this.processes?.signal(id, "SIGKILL");
    link.order({ type: "stop" });
  }

  /** Kills a worker that is lost; frames that it may still send are counted and dropped. */
  #evict(id: number): void {
    this.processes?.signal(id, "SIGKILL");
    const link = this.links.get(id);
    if (link === undefined) return;
    this.links.delete(id);
    link.interrupt(new Interrupted());
    this.#zombies.add(id, link, this.#state.attempt + 1);
  }

  #interrupt(): void {
    const fault = this.#fatal ?? new Interrupted();
    for (const { id } of this.#state.formed) this.links.get(id)?.interrupt(fault);
    this.options.interrupted();
    this.wake();
  }
}
