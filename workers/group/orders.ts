/** Orders to the members of a quorum, and their answers. Membership times each order's section. */
import { isWhole } from "../../src/membership/decide.ts";
import type { QuorumMember, Section } from "../../src/membership/types.ts";
import type { Order, Reply } from "../protocol/messages.ts";
import type { Answer } from "./link.ts";
import type { Members } from "./members.ts";
import { Interrupted } from "./options.ts";
import type { ProgressTotals } from "./progress_totals.ts";

/** The section that an order begins, for orders that have an answer. */
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

/** Orders and answers by rank. */
export class Orders {
  readonly #members: Members;
  readonly #progress: ProgressTotals;

  constructor(members: Members, progress: ProgressTotals) {
    this.#members = members;
    this.#progress = progress;
  }

  /** Sends an order to every member; a function gives each rank its own. */
  async order(order: Order | ((rank: number) => Order), payload?: Uint8Array): Promise<void> {
    this.#members.check();
    const each = typeof order === "function" ? order : () => order;
    const { formed } = this.#members.state;
    await Promise.all(formed.map((_, rank) => this.orderTo(rank, each(rank), payload)));
  }

  /** Sends an order to one rank. */
  async orderTo(rank: number, order: Order, payload?: Uint8Array): Promise<void> {
    const { id } = this.#members.state.formed[rank] as QuorumMember;
    const section = order.type === "commit" && order.next ? "step" : SECTIONS[order.type];
    if (section !== undefined) {
      this.#progress.forget(id);
      this.#members.feed({ type: "ordered", id, section });
    }
    await this.#members.links.get(id)?.order(order, payload);
  }

  /** The next answer of every member, by rank. @throws {Interrupted} when one is lost meanwhile. */
  expect<T extends Reply["type"]>(type: T): Promise<Answer<T>[]> {
    return Promise.all(
      this.#members.state.formed.map((_, rank) => this.expectFrom(rank, type)),
    );
  }

  /** The next answer of one rank. @throws {Interrupted} when a member is lost meanwhile. */
  async expectFrom<T extends Reply["type"]>(rank: number, type: T): Promise<Answer<T>> {
    const members = this.#members;
    members.check();
    const { id } = members.state.formed[rank] as QuorumMember;
    const link = members.links.get(id);
    if (link === undefined || !isWhole(members.state)) throw new Interrupted();
    const answer = await link.expect(type);
    const { reply } = answer as Answer;
    if (reply.type === "vote" && members.state.formed.length > 1) {
      const { compute, waited } = reply.times;
      members.feed({ type: "computed", id, ms: compute, waited });
    }
    members.feed({ type: "answered", id });
    return answer;
  }
}
