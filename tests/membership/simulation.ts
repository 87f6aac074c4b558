/** Test support: drives the membership state machine with a simulated clock. */
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

/** A ready member, with the given changes. */
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
    waits: [],
    ...changes,
  };
}

/** The commands of one type. */
export function of<T extends Command["type"]>(
  commands: readonly Command[],
  type: T,
): (Command & { type: T })[] {
  return commands.filter((c): c is Command & { type: T } => c.type === type);
}

/** A sequence of events; the clock advances only where a test says so. */
export class Simulation {
  state: Membership;
  now = 0;
  readonly rules: Rules;

  constructor(workers: number, changes: Partial<Rules> = {}) {
    this.rules = { ...rules, ...changes };
    this.state = noMembers(workers, this.now);
  }

  /** The member `id`, or undefined. */
  find(id: number): Member | undefined {
    return this.state.members.find((m) => m.id === id);
  }

  /** The member `id`, which must be one. */
  get(id: number): Member {
    const found = this.find(id);
    if (found === undefined) throw new Error(`Worker ${id} is no member`);
    return found;
  }

  /** Ids of the quorum by rank. */
  get formed(): number[] {
    return this.state.formed.map(({ id }) => id);
  }

  on(event: MembershipEvent): Decision {
    const decision = decide(this.state, event, { now: this.now, rules: this.rules });
    this.state = decision.state;
    return decision;
  }

  /** Advances time in ticks; every member sends heartbeats. */
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

  /** Starts workers; each is ready at once. */
  start(): void {
    this.on({ type: "tick" });
    for (const { id, phase } of this.state.members) {
      if (phase !== "starting") continue;
      this.on({ type: "joined", id });
      this.on({ type: "ready", id });
    }
  }

  /** Forms the next quorum; all of its members get the state. */
  form(): Decision {
    const decision = this.on({ type: "boundary" });
    for (const id of this.formed) this.on({ type: "answered", id });
    this.on({ type: "settled", holds: true });
    return decision;
  }

  /** Commits steps in which each worker takes `ms(id)` per micro-batch. */
  train(steps: number, ms: (id: number) => number = () => 10): void {
    for (let step = 0; step < steps; step++) {
      for (const { id, count } of this.state.formed) {
        this.on({ type: "computed", id, ms: count * ms(id), waited: [] });
      }
      this.on({ type: "committed" });
    }
  }
}

/** A run with a quorum in place. */
export function running(workers: number, changes: Partial<Rules> = {}): Simulation {
  const sim = new Simulation(workers, changes);
  sim.start();
  sim.form();
  return sim;
}
