/** What tests of decisions share: a run of events on a clock of their own, and short ways to say them. */
import { decide, noMembers } from "../../src/membership/decide.ts";
import type {
  Command,
  Decision,
  Member,
  Membership,
  MembershipEvent,
  Rules,
  Section,
} from "../../src/membership/types.ts";
import { MEMBERSHIP_RULES } from "../../src/membership/types.ts";

/** Micro-batches of a step in tests, and so the number of worker slots. */
export const MICRO_BATCHES = 8;
export const rules: Rules = { ...MEMBERSHIP_RULES, microBatches: MICRO_BATCHES };

/** A member that waits to be taken in, unless told otherwise. */
export function member(changes: Partial<Member> & { readonly id: number }): Member {
  return {
    workerId: changes.id,
    phase: "ready",
    holds: false,
    leaving: false,
    section: undefined,
    since: 0,
    heard: 0,
    waitsFor: [],
    served: 0,
    speeds: [],
    awaited: [],
    ...changes,
  };
}

/** Commands of a kind. */
export function of<T extends Command["type"]>(
  commands: readonly Command[],
  type: T,
): (Command & { type: T })[] {
  return commands.filter((c): c is Command & { type: T } => c.type === type);
}

/** Events one after the other; the clock stands still unless it is told. */
export class Story {
  state: Membership;
  now = 0;
  readonly rules: Rules;

  constructor(workers: number, changes: Partial<Rules> = {}) {
    this.rules = { ...rules, ...changes };
    this.state = noMembers(workers, this.now);
  }

  /** Whether `id` is a member, and what is known of it. */
  find(id: number): Member | undefined {
    return this.state.members.find((m) => m.id === id);
  }

  /** The member `id`, which must be one. */
  get(id: number): Member {
    const found = this.find(id);
    if (found === undefined) throw new Error(`Worker ${id} is no member`);
    return found;
  }

  /** Ids of the formation by rank. */
  get formed(): number[] {
    return this.state.formed.map(({ id }) => id);
  }

  on(event: MembershipEvent): Decision {
    const decision = decide(this.state, event, { now: this.now, rules: this.rules });
    this.state = decision.state;
    return decision;
  }

  /** Time passes in ticks, and whoever is a member gives signs of life. */
  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end;) {
      this.now = Math.min(end, this.now + this.rules.tick);
      for (const { id, waitsFor } of this.state.members) this.on({ type: "heard", id, waitsFor });
      this.on({ type: "tick" });
    }
  }

  lose(id: number, why = "it fell over"): Decision {
    return this.on({ type: "lost", id, why });
  }

  order(id: number, section: Section): void {
    this.on({ type: "ordered", id, section });
  }

  /** Every worker that starts is ready at once. */
  start(): void {
    this.on({ type: "tick" });
    for (const { id, phase } of this.state.members) {
      if (phase !== "starting") continue;
      this.on({ type: "joined", id });
      this.on({ type: "ready", id });
    }
  }

  /** The next formation, all of which get the state. */
  form(): Decision {
    const decision = this.on({ type: "boundary" });
    for (const id of this.formed) this.on({ type: "answered", id });
    this.on({ type: "settled", holds: true });
    return decision;
  }

  /** Steps that take each worker `ms(id)` for a micro-batch. */
  train(steps: number, ms: (id: number) => number = () => 10): void {
    for (let step = 0; step < steps; step++) {
      for (const { id, count } of this.state.formed) {
        this.on({ type: "computed", id, ms: count * ms(id), waited: [] });
      }
      this.on({ type: "committed" });
    }
  }
}

/** A formation that is under way. */
export function running(workers: number, changes: Partial<Rules> = {}): Story {
  const story = new Story(workers, changes);
  story.start();
  story.form();
  return story;
}
