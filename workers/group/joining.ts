/** Takes in the workers that join: compares their code, card and identity with the run's. */
import { UserError } from "../../src/base/user_error.ts";
import { showCard } from "../../src/cards/card.ts";
import { cardOf, type PinnedCard } from "../../src/cards/pin.ts";
import { cardIn } from "../../src/device/backend.ts";
import { isClosed } from "../../src/membership/decide.ts";
import type { ProcessEvent } from "../launch/processes.ts";
import { within } from "../launch/words.ts";
import { AS_BEGUN } from "../protocol/identity.ts";
import type { Reply } from "../protocol/messages.ts";
import { type Failures, isSpare } from "./failures.ts";
import { type Answer, Link, type Unsolicited } from "./link.ts";
import type { Members } from "./members.ts";
import { Interrupted } from "./options.ts";

/** Milliseconds for a process's exit to be reported when its channel ends first. */
const EXIT_MS = 20;
/** Time for the replies that a process sent before it ended to be read, ms. */
const LAST_REPLIES_MS = 1000;
/** Most files that are named in a message. */
const NAMED = 3;

/** Handles the starts and ends of worker processes. */
export class Joining {
  readonly #members: Members;
  readonly #failures: Failures;
  readonly #received: (id: number, answer: Answer<Unsolicited>) => void;
  /** Resolves when all frames of a worker are read, by its id. */
  readonly #listening = new Map<number, Promise<void>>();
  #ready: Reply & { type: "ready" } | undefined;

  /** `received` takes unsolicited replies of a worker. */
  constructor(
    members: Members,
    { failures, received }: {
      failures: Failures;
      received: (id: number, answer: Answer<Unsolicited>) => void;
    },
  ) {
    this.#members = members;
    this.#failures = failures;
    this.#received = received;
  }

  /** The `ready` reply of the first worker; undefined before it. */
  get ready(): Reply & { type: "ready" } | undefined {
    return this.#ready;
  }

  /** Handles an event of a worker's process. */
  take(event: ProcessEvent): void {
    const { id } = event;
    if (event.type === "ended") {
      // Its channel may still hold the reply with the reason of its end.
      const listening = this.#listening.get(id) ?? Promise.resolve();
      within(LAST_REPLIES_MS, listening).then(() => this.#ended(event));
      return;
    }
    this.#join(event).catch((error) => {
      if (error instanceof Interrupted) return;
      if (!isSpare(this.#members.state, id)) return this.#members.fail(error);
      this.#members.feed({ type: "lost", id, why: error.message });
    });
  }

  #ended({ id, why, killed, changed = [] }: ProcessEvent & { readonly type: "ended" }): void {
    this.#listening.delete(id);
    const members = this.#members;
    const member = members.state.members.find((m) => m.id === id);
    if (member === undefined) return;
    const isStarting = member.phase === "starting" && !killed;
    // Each new worker would load the same code and fail as well: treat it as one that joined with it.
    const { admit = () => [] } = members.options;
    const other = isStarting && changed.length > 0 ? admit({ code: codeIn(changed) }) : [];
    if (other.length > 0) return this.#reject(id, other);
    // Once a run is under way, starts that fail are tried again as recovery.restarts allows.
    if (isStarting && members.state.attempt === 0) {
      const error = new UserError("lost", `Cannot start a worker: ${why}`);
      const fatal = this.#failures.repeated(error, why);
      if (fatal !== undefined) members.fail(fatal);
    }
    members.feed({ type: "lost", id, why });
  }

  async #join(
    { id, channel, changed = [] }: ProcessEvent & { readonly type: "joined" },
  ): Promise<void> {
    const members = this.#members;
    const { limit, setUp, note, cards = [], admit = () => [] } = members.options;
    const link = new Link(channel, {
      limit,
      received: (answer) => this.#received(id, answer),
      ended: (why) => this.#linkEnded(id, why),
    });
    const member = members.state.members.find((m) => m.id === id);
    if (member === undefined) return link.close();
    const code = codeIn(changed);
    const other = admit({ code });
    if (other.length > 0) {
      link.close();
      return this.#reject(id, other);
    }
    members.links.set(id, link);
    this.#listening.set(id, link.listen());
    members.feed({ type: "joined", id });
    const [order, payload] = setUp();
    await link.order(order, payload);
    const { reply } = await link.expect("ready");
    const { identity, identity: { adapter } } = reply;
    const card = cardOf(cards, member.workerId);
    if (card !== undefined) {
      requireCard(card, { id, adapter });
      note("card", { worker: id, slot: member.workerId, card: showCard(card) });
    }
    const differences = admit({ code, ...identity });
    if (differences.length > 0) return this.#reject(id, differences);
    if (this.#ready !== undefined && this.#ready.identity.adapter !== adapter) {
      note("adapter", { worker: id, adapter });
    }
    this.#ready ??= reply;
    members.feed({ type: "ready", id });
  }

  #linkEnded(id: number, why: string): void {
    if (!this.#members.linkEnded(id)) return;
    // The exit of its process says more than the end of its channel.
    setTimeout(() => this.#members.feed({ type: "lost", id, why }), EXIT_MS);
  }

  /** Releases a worker that must not compute with the others. */
  #reject(id: number, differences: readonly string[]): void {
    const { options: { note, rejected }, state, step } = this.#members;
    if (!state.members.some((m) => m.id === id)) return;
    const why = differences.join("; ");
    note("turned_away", { worker: id, step, reason: why });
    this.#members.feed({ type: "refused", id, why });
    rejected?.({ id, why, isLast: isClosed(this.#members.state) });
  }
}

/** @throws {UserError} `noDevice` when a worker does not compute on the card of its slot. */
function requireCard(card: PinnedCard, { id, adapter }: { id: number; adapter: string }): void {
  // A card that Vulkan did not list has no name to compare.
  if (card.id === undefined || card.name === cardIn(adapter)) return;
  throw new UserError(
    "noDevice",
    `Cannot use card ${showCard(card)}: worker ${id} was put there and computes on ${adapter}`,
  );
}

/** The `code` part of a worker's identity. */
function codeIn(changed: readonly string[]): string {
  return changed.length === 0 ? AS_BEGUN : `${listOf(changed)} changed on disk`;
}

function listOf(files: readonly string[]): string {
  const more = files.length - NAMED;
  return files.slice(0, NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
