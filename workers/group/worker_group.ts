/**
 * The workers of a run, kept at their number: carries out what src/membership decides, and gives
 * the coordinator one formation at a time to order about. What the orders mean it does not know.
 */
import { EXIT, UserError } from "../../src/base/user_error.ts";
import type { ExitName } from "../../src/base/user_error.ts";
import { showCard } from "../../src/cards/card.ts";
import { cardOf, type PinnedCard } from "../../src/cards/pin.ts";
import { cardIn } from "../../src/device/backend.ts";
import {
  candidates,
  decide,
  isClosed,
  isWhole,
  noMembers,
  wantsForming,
} from "../../src/membership/decide.ts";
import type {
  Command,
  Loss,
  Membership,
  MembershipEvent,
  QuorumMember,
  Rules,
  Section,
} from "../../src/membership/types.ts";
import type { LaunchWorkers, ProcessEvent, WorkerProcesses } from "../launch/processes.ts";
import type { Faults } from "../faults/plan.ts";
import { Link } from "./link.ts";
import type { Answer, Unasked } from "./link.ts";
import { AS_BEGUN, type Identity } from "../protocol/identity.ts";
import type { Order, Reply, WorkerProgress } from "../protocol/messages.ts";
import { memberOrders } from "./member_orders.ts";
import { Advance, type GroupProgress } from "./advance.ts";
import { within } from "../launch/words.ts";
import { Zombies } from "./zombies.ts";

/** The formation cannot go on: another one follows. */
export class Interrupted extends Error {}

/** Plain values of a journal's entry. */
export type Note = Readonly<Record<string, string | number | boolean | readonly number[]>>;

/** What a team needs. */
export interface WorkerGroupOptions {
  readonly launch: LaunchWorkers;
  readonly rules: Rules;
  /** A card for each worker slot; none where workers share what the driver offers first. */
  readonly cards?: readonly PinnedCard[];
  /** Workers that are wanted at first. */
  readonly workers: number;
  readonly faults: Faults;
  /** Writes an entry to the journal. */
  readonly note: (kind: string, note: Note) => void;
  /** Most bytes behind a reply of a type. */
  readonly limit: (type: string) => number;
  /** What a worker is told when it has joined, and the bytes behind it. */
  readonly setUp: () => readonly [order: Order & { type: "setup" }, payload: Uint8Array];
  /** Takes parts of a checkpoint as they come. */
  readonly part: (id: number, answer: Answer<"part" | "lane" | "saved">) => void;
  /** The formation is over, and what it was about to send will not come. */
  readonly interrupted: () => void;
  /**
   * In what a worker that joins is not as the run is, each in a few words: it is taken in where that is
   * nothing. What it says of itself comes in turns. All are taken in by default.
   */
  readonly admit?: (worker: Partial<Identity>) => readonly string[];
  /** A worker that was to stay is lost. */
  readonly lost?: (loss: Loss) => void;
  /** A worker is not taken in; no other is tried behind the last one. */
  readonly turnedAway?: (loss: Loss & { readonly isLast: boolean }) => void;
  /** What to say when no worker is left and each new one is turned away. */
  readonly stranded?: (why: string) => string;
  /** The run goes on with fewer workers than are wanted, for a new cause. */
  readonly short?: (why: string) => void;
  /** What the members are to read is damaged; the states that they hold are whole. */
  readonly unreadable?: (fault: UserError) => void;
  /** How far those are that are waited for, in sum. */
  readonly progress?: (sum: GroupProgress) => void;
  /** Aborted when the run is asked to stop. */
  readonly stop: AbortSignal;
  /** Milliseconds on a steady clock. */
  readonly now: () => number;
}

/** Time that the end of a process has to be known by, when its channel ends first; ms. */
const EXIT_MS = 20;
/** Milliseconds in which what a process sent before it ended must have been read. */
const LAST_WORDS_MS = 1000;
/** Pause before members whose conversation failed meet again; ms. */
const SETTLE_MS = 20;

/** Exits after which another worker may succeed. */
const CURABLE: readonly string[] = ["bug", "lost", "deviceLost"];

/** Which section an order begins, where it has an answer. */
const SECTIONS: Readonly<Partial<Record<Order["type"], Section>>> = {
  form: "form",
  reset: "load",
  load: "load",
  load_lane: "load",
  prove: "prove",
  step: "step",
  evaluate: "evaluate",
  reach: "evaluate",
  save: "save",
  sample: "sample",
};

/** Workers, led by one coordinator. */
export class WorkerGroup {
  readonly #options: WorkerGroupOptions;
  readonly #links = new Map<number, Link>();
  /** Until everything that a worker sent is read, by its id. */
  readonly #listening = new Map<number, Promise<void>>();
  readonly #zombies = new Zombies();
  readonly #spared = new Set<number>();
  readonly #said = new Set<string>();
  readonly #advance = new Advance();
  #crew: WorkerProcesses | undefined;
  #state: Membership;
  #timer: ReturnType<typeof setInterval> | undefined;
  #changed = Promise.withResolvers<void>();
  #fatal: Error | undefined;
  #ready: Reply & { type: "ready" } | undefined;
  #step = 0;
  #isClosed = false;

  constructor(options: WorkerGroupOptions) {
    this.#options = options;
    this.#state = noMembers(options.workers, options.now());
  }

  /** Starts the first workers. */
  async open(): Promise<void> {
    const { launch, rules, cards = [] } = this.#options;
    this.#crew = await launch(
      { workerIds: rules.microBatches, workers: this.wanted, cards },
      (event) => this.#onCrew(event),
    );
    this.#timer = setInterval(() => this.#tick(), rules.tick);
    this.#options.stop.addEventListener("abort", () => this.#wake(), { once: true });
    this.#feed({ type: "tick" });
  }

  /** Ends all workers. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const link of this.#links.values()) link.close();
    this.#zombies.close();
    await this.#crew?.close();
  }

  /** What the first worker said of itself. */
  get facts(): Reply & { type: "ready" } {
    if (this.#ready === undefined) throw new Error("Cannot tell of workers: none was ready yet");
    return this.#ready;
  }

  get attempt(): number {
    return this.#state.attempt;
  }

  /** The formation by rank. */
  get places(): readonly QuorumMember[] {
    return this.#state.formed;
  }

  get wanted(): number {
    return this.#state.target;
  }

  /** Whether the formation can go on. */
  get isWhole(): boolean {
    return isWhole(this.#state);
  }

  /** Whether the formation is to change before the next step. */
  get wantsForming(): boolean {
    return wantsForming(this.#state) || !isWhole(this.#state);
  }

  /** Asks for another number of workers. */
  want(workers: number): void {
    this.#feed({ type: "want", workers });
    this.#feed({ type: "tick" });
  }

  /** A step counts, the `step`-th: all its votes were cast. */
  committed(step: number): void {
    this.#step = step;
    this.#said.clear();
    this.#feed({ type: "committed" });
  }

  /** All of the formation have the state of the last committed step, or none of it has. */
  settle(holds: boolean): void {
    this.#feed({ type: "settled", holds });
  }

  /** A worker's state is not that of the others. */
  expel(id: number, why: string): void {
    this.#feed({ type: "lost", id, why });
  }

  /** Ends the run, whatever is waited for. */
  fail(error: Error): void {
    this.#fatal ??= error;
    this.#interrupt();
  }

  /**
   * Makes the next formation at `step` as soon as workers for it are there. Members that hold no
   * state get it from one that does. Gives undefined when the run is stopped while none holds any.
   */
  async form(step: number): Promise<readonly QuorumMember[] | undefined> {
    const { stop } = this.#options;
    this.#step = step;
    if (this.#state.broken) await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    do {
      while (!wantsForming(this.#state)) {
        if (this.#fatal) throw this.#fatal;
        if (stop.aborted && !this.#anyHolds()) return undefined;
        await this.#changed.promise;
      }
      if (stop.aborted && !this.#anyHolds()) return undefined;
      await this.#mend();
    } while (!wantsForming(this.#state)); // all may be lost meanwhile
    this.#options.interrupted();
    this.#feed({ type: "boundary" });
    await this.expect("formed");
    return this.places;
  }

  /** Sends an order to every member; a function gives each rank its own. */
  async order(order: Order | ((rank: number) => Order), payload?: Uint8Array): Promise<void> {
    if (this.#fatal) throw this.#fatal;
    const each = typeof order === "function" ? order : () => order;
    await Promise.all(this.places.map((_, rank) => this.orderTo(rank, each(rank), payload)));
  }

  /** Sends an order to one rank. */
  async orderTo(rank: number, order: Order, payload?: Uint8Array): Promise<void> {
    const { id } = this.places[rank] as QuorumMember;
    const section = order.type === "commit" && order.next ? "step" : SECTIONS[order.type];
    if (section !== undefined) {
      this.#advance.forget(id);
      this.#feed({ type: "ordered", id, section });
    }
    await this.#links.get(id)?.order(order, payload);
  }

  /** The next answer of every member, by rank. @throws {Interrupted} when one is lost meanwhile. */
  expect<T extends Reply["type"]>(type: T): Promise<Answer<T>[]> {
    return Promise.all(this.places.map((_, rank) => this.expectFrom(rank, type)));
  }

  /** The next answer of one rank. */
  async expectFrom<T extends Reply["type"]>(rank: number, type: T): Promise<Answer<T>> {
    if (this.#fatal) throw this.#fatal;
    const { id } = this.places[rank] as QuorumMember;
    const link = this.#links.get(id);
    if (link === undefined || !isWhole(this.#state)) throw new Interrupted();
    const answer = await link.expect(type);
    const { reply } = answer as Answer;
    if (reply.type === "vote" && this.places.length > 1) {
      const { compute, waited } = reply.times;
      this.#feed({ type: "computed", id, ms: compute, waited });
    }
    this.#feed({ type: "answered", id });
    return answer;
  }

  /** Members that cannot meet cannot train together: one that holds the state goes on alone. */
  async #mend(): Promise<void> {
    if (candidates(this.#state).length < 2) return;
    try {
      await this.#crew?.mend?.();
    } catch (error) {
      const able = candidates(this.#state);
      const stays = able.find(({ holds }) => holds) ?? able[0];
      const why = error instanceof Error ? error.message : String(error);
      for (const { id } of able) if (id !== stays?.id) this.#feed({ type: "lost", id, why });
    }
  }

  #anyHolds(): boolean {
    return candidates(this.#state).some((m) => m.holds);
  }

  #tick(): void {
    this.#feed({ type: "tick" });
    for (const { id, frames } of this.#zombies.hangUp()) {
      this.#options.note("stale", { worker: id, frames });
    }
  }

  #feed(event: MembershipEvent): void {
    if (this.#isClosed) return;
    const { rules, now, note } = this.#options;
    const before = this.#state;
    const decision = decide(before, event, { now: now(), rules });
    const { state, commands, reasons, losses = [], shortages = [] } = decision;
    this.#state = state;
    for (const loss of losses) this.#options.lost?.(loss);
    for (const why of shortages) this.#options.short?.(why);
    for (const reason of reasons) {
      note("membership", { event: event.type, attempt: state.attempt, step: this.#step, reason });
    }
    const released = commands.filter((c) => c.type === "release").map(({ id }) => id);
    for (const { id } of before.members) {
      if (state.members.some((m) => m.id === id) || released.includes(id)) continue;
      this.#evict(id);
    }
    for (const command of commands) this.#carryOut(command);
    if (state.formed.length > 0 && !isWhole(state)) this.#interrupt();
    if (state !== before && event.type !== "heard") this.#wake();
  }

  #carryOut(command: Command): void {
    switch (command.type) {
      case "spawn":
        return this.#crew?.spawn(command.id, command.workerId);
      case "kill":
        return; // whoever is no member any more is evicted
      case "release":
        return this.#release(command.id);
      case "give_up":
        return this.fail(new UserError("lost", `Cannot go on: ${command.why}`));
      case "strand": {
        const { stranded = (why) => `Cannot go on: ${why}` } = this.#options;
        return this.fail(new UserError("incompatible", stranded(command.why)));
      }
      case "form": {
        const seated = memberOrders(command.places);
        const { attempt } = command;
        const step = this.#step;
        command.places.forEach(({ id }, rank) =>
          this.#links.get(id)?.order({ type: "form", attempt, rank, seated, step })
        );
      }
    }
  }

  #release(id: number): void {
    const link = this.#links.get(id);
    this.#links.delete(id);
    if (link === undefined) return this.#crew?.signal(id, "SIGKILL");
    link.order({ type: "stop" });
  }

  /** A worker that is gone for us is killed; what it may still say is counted, and dropped. */
  #evict(id: number): void {
    if (!this.#spared.has(id)) this.#crew?.signal(id, "SIGKILL");
    const link = this.#links.get(id);
    if (link === undefined) return;
    this.#links.delete(id);
    link.interrupt(new Interrupted());
    this.#zombies.add(id, link, this.#state.attempt + 1);
  }

  #interrupt(): void {
    const fault = this.#fatal ?? new Interrupted();
    for (const { id } of this.#state.formed) this.#links.get(id)?.interrupt(fault);
    this.#options.interrupted();
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  #onCrew(event: ProcessEvent): void {
    if (event.type === "joined") {
      this.#admit(event).catch((error) => {
        if (error instanceof Interrupted) return;
        if (!this.#isSpare(event.id)) return this.fail(error);
        this.#feed({ type: "lost", id: event.id, why: error.message });
      });
      return;
    }
    // Its channel may still hold the reason why it ended, which is then the one to tell.
    const listening = this.#listening.get(event.id) ?? Promise.resolve();
    within(LAST_WORDS_MS, listening).then(() => this.#onExit(event));
  }

  #onExit(event: ProcessEvent & { readonly type: "ended" }): void {
    this.#listening.delete(event.id);
    const member = this.#state.members.find((m) => m.id === event.id);
    if (member === undefined) return;
    const isStarting = member.phase === "starting" && !event.killed;
    // Each new one would load the same code and fail as well: it counts as one that joined with it.
    const other = isStarting ? this.#otherCode(event.changed) : [];
    if (other.length > 0) return this.#turnAway(event.id, other);
    // Once a run is under way, starts that fail are tried again as recovery.restarts allows.
    if (isStarting && this.#state.attempt === 0) {
      this.#again(new UserError("lost", `Cannot start a worker: ${event.why}`), event.why);
    }
    this.#feed({ type: "lost", id: event.id, why: event.why });
  }

  async #admit(
    { id, channel, changed = [] }: ProcessEvent & { readonly type: "joined" },
  ): Promise<void> {
    const { limit, setUp, faults, admit = () => [] } = this.#options;
    const link = new Link(channel, {
      limit,
      heard: (answer) => this.#heard(id, answer),
      ended: (why) => this.#ended(id, why),
    });
    const member = this.#state.members.find((m) => m.id === id);
    if (member === undefined) return link.close();
    const code = codeIn(changed);
    const other = admit({ code });
    if (other.length > 0) {
      link.close();
      return this.#turnAway(id, other);
    }
    this.#links.set(id, link);
    this.#listening.set(id, link.listen());
    this.#feed({ type: "joined", id });
    const [order, payload] = setUp();
    const struck = faults.take({ step: this.#step, rank: member.workerId }, ["start"]);
    await link.order({ ...order, strikes: struck.strikes }, payload);
    const { reply } = await link.expect("ready");
    const { identity, identity: { adapter } } = reply;
    this.#onCard(member, adapter);
    const differences = admit({ code, ...identity });
    if (differences.length > 0) return this.#turnAway(id, differences);
    if (this.#ready !== undefined && this.#ready.identity.adapter !== adapter) {
      this.#options.note("adapter", { worker: id, adapter });
    }
    this.#ready ??= reply;
    this.#feed({ type: "ready", id });
  }

  /** In what the code that a worker loads is not the run's; nothing where no file changed. */
  #otherCode(changed: readonly string[] = []): readonly string[] {
    const { admit = () => [] } = this.#options;
    return changed.length === 0 ? [] : admit({ code: codeIn(changed) });
  }

  /** Lets a worker go that must not compute with the others. */
  #turnAway(id: number, differences: readonly string[]): void {
    if (!this.#state.members.some((m) => m.id === id)) return;
    const why = differences.join("; ");
    this.#options.note("turned_away", { worker: id, step: this.#step, reason: why });
    this.#feed({ type: "refused", id, why });
    this.#options.turnedAway?.({ id, why, isLast: isClosed(this.#state) });
  }

  /** Notes the card of a worker. @throws {UserError} `noDevice` when it is not the one it was to have. */
  #onCard({ id, workerId }: { id: number; workerId: number }, adapter: string): void {
    const card = cardOf(this.#options.cards ?? [], workerId);
    if (card === undefined) return;
    // What Vulkan did not name has no name to hold it to.
    if (card.id !== undefined && card.name !== cardIn(adapter)) {
      throw new UserError(
        "noDevice",
        `Cannot use card ${showCard(card)}: worker ${id} was put there and computes on ${adapter}`,
      );
    }
    this.#options.note("card", { worker: id, slot: workerId, card: showCard(card) });
  }

  /** Remembers that a worker cannot be killed: what it says later must be fenced off. */
  spare(rank: number): void {
    this.#spared.add((this.places[rank] as QuorumMember).id);
  }

  #heard(id: number, answer: Answer<Unasked>): void {
    const { reply } = answer;
    switch (reply.type) {
      case "beat": {
        const waitsFor = reply.waiting.flatMap((rank) => this.places[rank]?.id ?? []);
        this.#feed({ type: "heard", id, waitsFor, ...reply.moved && { moved: true } });
        return this.#moved(id, reply.progress);
      }
      case "part":
      case "lane":
      case "saved":
        return this.#options.part(id, answer as Answer<"part" | "lane" | "saved">);
      case "strike": {
        const { deed, ms } = reply;
        this.#options.note("strike", { worker: id, deed, ms, step: this.#step });
        if (deed === "sigkill") this.#crew?.signal(id, "SIGKILL");
        if (deed !== "sigstop") return;
        this.#crew?.signal(id, "SIGSTOP");
        if (ms > 0) setTimeout(() => this.#crew?.signal(id, "SIGCONT"), ms);
        return;
      }
      case "broken":
        return this.#feed({ type: "broken", id, why: reply.message });
      case "unreadable":
        this.#options.unreadable?.(new UserError(reply.exit, reply.message));
        return this.#feed({ type: "broken", id, why: reply.message });
      case "failed":
        return this.#failed(id, reply);
    }
  }

  #moved(id: number, progress: WorkerProgress | undefined): void {
    const { members } = this.#state;
    const member = members.find((m) => m.id === id);
    if (progress === undefined || member === undefined) return;
    // Nobody waits for who starts while the others go on.
    if (member.phase === "starting" && isWhole(this.#state)) return;
    this.#advance.take(id, progress);
    this.#options.progress?.(this.#advance.sum(progress.of, members.map((m) => m.id)));
  }

  #failed(id: number, { exit, message }: Reply & { type: "failed" }): void {
    const [line = ""] = message.split("\n");
    if (!this.#isSpare(id)) {
      const isCurable = CURABLE.includes(exit) || (exit === "noDevice" && this.#state.attempt > 0);
      if (Object.hasOwn(EXIT, exit) && !isCurable) {
        return this.fail(new UserError(exit as ExitName, message));
      }
      if (exit !== "noDevice") this.#again(new Error(`Worker ${id} failed: ${message}`), line);
    }
    this.#options.note("failed", { worker: id, exit, message });
    this.#feed({ type: "lost", id, why: line });
  }

  /** Whether a worker has no part in the state yet, and others hold it: the run goes on without. */
  #isSpare(id: number): boolean {
    const { members } = this.#state;
    return members.some((m) => m.holds && m.id !== id) &&
      !members.some((m) => m.holds && m.id === id);
  }

  /** What happens twice while no step is committed will happen again: another try is no help. */
  #again(error: Error, cause: string): void {
    if (this.#said.has(cause)) this.fail(error);
    this.#said.add(cause);
  }

  #ended(id: number, why: string): void {
    if (this.#zombies.ended(id)) return;
    // How its process ended says more than how its channel did.
    setTimeout(() => this.#feed({ type: "lost", id, why }), EXIT_MS);
  }
}

/** Most files that are named in a message. */
const NAMED = 3;

/** How the code of a worker is told apart from that of the run. */
function codeIn(changed: readonly string[]): string {
  return changed.length === 0 ? AS_BEGUN : `${listOf(changed)} changed on disk`;
}

function listOf(files: readonly string[]): string {
  const more = files.length - NAMED;
  return files.slice(0, NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
