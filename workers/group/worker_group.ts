/**
 * The workers of a run, kept at the wanted number. The coordinator sees one quorum at a time and sends
 * it orders; src/membership decides who is in it.
 */
import { candidates, isWhole, wantsForming } from "../../src/membership/decide.ts";
import type { QuorumMember } from "../../src/membership/types.ts";
import type { Order, Reply } from "../protocol/messages.ts";
import { Failures } from "./failures.ts";
import { Joining } from "./joining.ts";
import type { Answer } from "./link.ts";
import { Members } from "./members.ts";
import type { WorkerGroupOptions } from "./options.ts";
import { Orders } from "./orders.ts";
import { ProgressTotals } from "./progress_totals.ts";
import { handleReply } from "./replies.ts";

/** Pause before members whose conversation failed meet again, ms. */
const SETTLE_MS = 20;

/** Workers under one coordinator. */
export class WorkerGroup {
  readonly #options: WorkerGroupOptions;
  readonly #members: Members;
  readonly #failures = new Failures();
  readonly #joining: Joining;
  readonly #orders: Orders;
  #formed: readonly (Reply & { type: "formed" })[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: WorkerGroupOptions) {
    const members = new Members(options);
    const failures = this.#failures;
    const progress = new ProgressTotals();
    this.#options = options;
    this.#members = members;
    this.#orders = new Orders(members, progress);
    this.#joining = new Joining(members, {
      failures,
      received: (id, answer) => handleReply({ members, failures, progress }, id, answer),
    });
  }

  /** Starts the first workers. */
  async open(): Promise<void> {
    const { launch, rules, cards = [], device, maps = false, stop } = this.#options;
    const members = this.#members;
    members.processes = await launch(
      {
        workerIds: rules.microBatches,
        workers: this.wanted,
        cards,
        maps,
        ...device && { device },
      },
      (event) => this.#joining.take(event),
    );
    this.#timer = setInterval(() => members.tick(), rules.tick);
    stop.addEventListener("abort", () => members.wake(), { once: true });
    members.feed({ type: "tick" });
  }

  /** Ends all workers. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#members.close();
  }

  /** The `ready` reply of the first worker. */
  get facts(): Reply & { type: "ready" } {
    const { ready } = this.#joining;
    if (ready === undefined) throw new Error("Cannot tell of workers: none was ready yet");
    return ready;
  }

  /** Number of the quorum. */
  get attempt(): number {
    return this.#members.state.attempt;
  }

  /** The quorum by rank. */
  get members(): readonly QuorumMember[] {
    return this.#members.state.formed;
  }

  /** What each member replied when the quorum was formed. */
  get formed(): readonly (Reply & { type: "formed" })[] {
    return this.#formed;
  }

  /** Number of workers that are wanted. */
  get wanted(): number {
    return this.#members.state.target;
  }

  /** Whether the quorum can go on. */
  get isWhole(): boolean {
    return isWhole(this.#members.state);
  }

  /** Whether the quorum is to change before the next step. */
  get wantsForming(): boolean {
    return wantsForming(this.#members.state) || !this.isWhole;
  }

  /** Changes the number of workers that are wanted. */
  resize(workers: number): void {
    this.#members.feed({ type: "want", workers });
    this.#members.feed({ type: "tick" });
  }

  /** Records that all votes of a step were cast; `step`: finished steps. */
  committed(step: number): void {
    this.#members.step = step;
    this.#failures.clear();
    this.#members.feed({ type: "committed" });
  }

  /** Records whether all members have the state of the last committed step, or none has. */
  settle(holds: boolean): void {
    this.#members.feed({ type: "settled", holds });
  }

  /** Removes a worker whose state differs from that of the others. */
  expel(id: number, why: string): void {
    this.#members.feed({ type: "lost", id, why });
  }

  /** Ends the run, whatever it waits for. */
  fail(error: Error): void {
    this.#members.fail(error);
  }

  /**
   * Forms the next quorum at `step` as soon as there are workers for it. Members without the state
   * copy it from one that has it. Undefined when the run is stopped while none has it.
   */
  async form(step: number): Promise<readonly QuorumMember[] | undefined> {
    const { stop, interrupted } = this.#options;
    const members = this.#members;
    members.step = step;
    const isIdle = () => stop.aborted && !candidates(members.state).some((m) => m.holds);
    if (members.state.broken) await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    do {
      while (!wantsForming(members.state)) {
        members.check();
        if (isIdle()) return undefined;
        await members.changed;
      }
      if (isIdle()) return undefined;
      await this.#mendSockets();
    } while (!wantsForming(members.state)); // all may be lost meanwhile
    interrupted();
    members.feed({ type: "boundary" });
    this.#formed = (await this.expect("formed")).map(({ reply }) => reply);
    return this.members;
  }

  /** Sends an order to every member; a function gives each rank its own. */
  order(order: Order | ((rank: number) => Order), payload?: Uint8Array): Promise<void> {
    return this.#orders.order(order, payload);
  }

  /** Sends an order to one rank. */
  orderTo(rank: number, order: Order, payload?: Uint8Array): Promise<void> {
    return this.#orders.orderTo(rank, order, payload);
  }

  /** The next answer of every member, by rank. @throws {Interrupted} when one is lost meanwhile. */
  expect<T extends Reply["type"]>(type: T): Promise<Answer<T>[]> {
    return this.#orders.expect(type);
  }

  /** The next answer of one rank. */
  expectFrom<T extends Reply["type"]>(rank: number, type: T): Promise<Answer<T>> {
    return this.#orders.expectFrom(rank, type);
  }

  /** Without sockets members cannot train together: one that holds the state goes on alone. */
  async #mendSockets(): Promise<void> {
    const members = this.#members;
    if (candidates(members.state).length < 2) return;
    try {
      await members.processes?.mend?.();
    } catch (error) {
      const able = candidates(members.state);
      const stays = able.find(({ holds }) => holds) ?? able[0];
      const why = error instanceof Error ? error.message : String(error);
      for (const { id } of able) if (id !== stays?.id) members.feed({ type: "lost", id, why });
    }
  }
}
