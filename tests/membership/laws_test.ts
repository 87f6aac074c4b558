/** Invariants of the membership state machine under random sequences of events. */
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { rootKey, threefry } from "../../src/base/random.ts";
import { isClosed, isWhole, wantsForming } from "../../src/membership/decide.ts";
import type { Decision, Membership, MembershipEvent, Section } from "../../src/membership/types.ts";
import { MICRO_BATCHES, Simulation } from "./simulation.ts";

const WALKS = 200;
const EVENTS = 500;
const SECTIONS: readonly Section[] = ["load", "prove", "step", "evaluate", "save"];

/** A reproducible random sequence of all possible events, seeded by a number. */
class Walk extends Simulation {
  readonly #number: number;
  #drawn = 0;

  constructor(number: number) {
    super(1 + number % 5, {
      restarts: number % 3 === 0 ? 3 : 1e9,
      window: 20_000,
      silence: 300,
      idle: 2000,
      floor: 1000,
      unmeasured: 3000,
      rebalanceEvery: 3,
      tick: 1000,
    });
    this.#number = number;
  }

  /** A number below `n`. */
  below(n: number): number {
    return threefry(rootKey(this.#number), this.#drawn++, 0)[0] % n;
  }

  #any(ids: readonly number[]): number {
    return ids.length === 0 ? -1 : ids[this.below(ids.length)] as number;
  }

  /** The next event, after a random delay. */
  next(): MembershipEvent {
    // Sometimes the coordinator itself is suspended.
    const gaps = [0, 1, 20, 100, 600, this.below(8) === 0 ? 9000 : 0];
    this.now += gaps[this.below(gaps.length)] as number;
    const { members } = this.state;
    const ids = members.map(({ id }) => id);
    const starting = members.filter((m) => m.phase === "starting").map((m) => m.id);
    switch (this.below(17)) {
      case 0:
        return { type: "joined", id: this.#any(starting) };
      case 1:
      case 2:
        return { type: "ready", id: this.#any(starting) };
      case 3:
        return { type: "heard", id: this.#any(ids), waitsFor: ids.filter(() => this.below(2) > 0) };
      case 4:
        return { type: "ordered", id: this.#any(this.formed), section: this.#section() };
      case 5:
      case 6:
        return { type: "answered", id: this.#any(this.formed) };
      case 7:
        return { type: "computed", id: this.#any(this.formed), ms: this.below(90), waited: [] };
      case 8:
        return { type: "lost", id: this.#any(ids), why: "it fell over" };
      case 9:
        return { type: "broken", id: this.#any(this.formed), why: "it has left" };
      case 10:
        // `settled` is only sent for a whole quorum.
        return isWhole(this.state)
          ? { type: "settled", holds: this.below(4) > 0 }
          : { type: "tick" };
      case 11:
        return isWhole(this.state) ? { type: "committed" } : { type: "boundary" };
      case 12:
        return { type: "want", workers: 1 + this.below(MICRO_BATCHES) };
      case 13:
        return { type: "boundary" };
      case 14:
        return { type: "refused", id: this.#any(starting), why: "it is another" };
      default:
        return { type: "tick" };
    }
  }

  #section(): Section {
    return SECTIONS[this.below(SECTIONS.length)] as Section;
  }
}

/** The state before an event, and the decision. */
interface Turn extends Decision {
  readonly walk: Walk;
  readonly event: MembershipEvent;
  readonly before: Membership;
}

/** Checks an invariant after every event of every walk. */
function law(name: string, check: (turn: Turn) => void): void {
  Deno.test(name, () => {
    const seen = new Set<string>();
    for (let number = 0; number < WALKS; number++) {
      const walk = new Walk(number);
      for (let i = 0; i < EVENTS; i++) {
        const { state: before } = walk;
        const event = walk.next();
        const decision = walk.on(event);
        for (const { type } of [event, ...decision.commands]) seen.add(type);
        try {
          check({ ...decision, walk, event, before });
        } catch (error) {
          throw new Error(`Walk ${number}, event ${i}: ${JSON.stringify(event)}`, { cause: error });
        }
      }
    }
    // The walks cover all kinds of events and commands.
    assertEquals(seen.size, 14 + 6, [...seen].join());
  });
}

const distinct = (values: readonly number[]): boolean => new Set(values).size === values.length;

law("ids are consecutive and never reused", ({ before, state, commands }) => {
  const spawned = commands.flatMap((c) => c.type === "spawn" ? [c.id] : []);
  assertEquals(spawned, spawned.map((_, i) => before.nextId + i));
  assertEquals(state.nextId, before.nextId + spawned.length);
  assert(distinct(state.members.map(({ id }) => id)));
  assert(state.members.every(({ id }) => id < state.nextId));
});

law(
  "members have distinct worker slots, of which there are as many as micro-batches",
  ({ state }) => {
    const workerIds = state.members.map(({ workerId }) => workerId);
    assert(distinct(workerIds), workerIds.join());
    assert(
      workerIds.every((workerId) => workerId >= 0 && workerId < MICRO_BATCHES),
      workerIds.join(),
    );
  },
);

law(
  "each quorum increments the attempt, and nothing else changes it",
  ({ before, state, commands }) => {
    const forms = commands.flatMap((c) => c.type === "form" ? [c.attempt] : []);
    assertEquals(forms, state.attempt === before.attempt ? [] : [before.attempt + 1]);
    assertEquals(state.attempt, before.attempt + forms.length);
  },
);

law(
  "a quorum covers all micro-batches, with ranks in order of ids",
  ({ commands, state }) => {
    for (const command of commands) {
      if (command.type !== "form") continue;
      const { places } = command;
      assertEquals(places, state.formed);
      assertEquals(places.reduce((sum, { count }) => sum + count, 0), MICRO_BATCHES);
      assert(places.every(({ count }) => count > 0));
      const ids = places.map(({ id }) => id);
      assert(
        distinct(ids) && ids.every((id, rank) => rank === 0 || id > (ids[rank - 1] as number)),
      );
      for (const { id, workerId } of places) {
        const found = state.members.find((m) => m.id === id);
        assertEquals([found?.phase, found?.section, found?.workerId], [
          "serving",
          "form",
          workerId,
        ]);
      }
      assert(isWhole(state));
    }
  },
);

law(
  "a quorum includes a member with the state as long as any member has it",
  ({ before, commands }) => {
    for (const command of commands) {
      if (command.type !== "form" || command.places.some(({ holds }) => holds)) continue;
      const holding = before.members.filter(({ holds }) => holds).map(({ id }) => id);
      assertEquals(holding, [], "these hold the state and are left out");
    }
  },
);

law("a member with the state has been part of a quorum", ({ state }) => {
  assert(state.members.every(({ holds, phase }) => !holds || phase === "serving"));
});

law("no more members than the target stay", ({ state }) => {
  assertLessOrEqual(state.members.filter(({ leaving }) => !leaving).length, state.target);
});

law("a leaving member serves until the next quorum, then is released", ({ state, commands }) => {
  const leaving = state.members.filter((m) => m.leaving);
  assert(leaving.every(({ phase }) => phase === "serving"));
  if (!commands.some(({ type }) => type === "form")) return;
  assert(leaving.every(({ id }) => state.formed.some((place) => place.id === id)));
});

law(
  "a removed member was lost, refused, killed or released",
  ({ before, state, event, commands }) => {
    const told = commands.flatMap((c) => c.type === "kill" || c.type === "release" ? [c.id] : []);
    for (const { id } of before.members) {
      if (state.members.some((m) => m.id === id) || told.includes(id)) continue;
      assertEquals((event.type === "lost" || event.type === "refused") && event.id, id);
    }
  },
);

law(
  "a refusal uses no restart, and a run with no worker ends after two refusals",
  ({ before, state, event, commands }) => {
    const strands = commands.some(({ type }) => type === "strand");
    if (event.type !== "refused") return assertEquals(strands, false);
    assertEquals(state.losses, before.losses);
    const isGone = before.members.some(({ id }) => id === event.id);
    assertEquals(strands, isGone && isClosed(state) && state.members.length === 0);
  },
);

law("no worker is started once starting is closed", ({ before, state, commands }) => {
  if (!isClosed(before) || !isClosed(state)) return;
  assert(!commands.some(({ type }) => type === "spawn"));
});

law(
  "a run gives up only when losses in the window exceed the restarts and no worker is left",
  ({ walk, before, state, event, commands }) => {
    const { now, rules: { restarts, window } } = walk;
    const lost = before.members.filter(({ id, leaving }) =>
      !leaving && !state.members.some((m) => m.id === id) &&
      (event.type === "lost" || commands.some((c) => c.type === "kill" && c.id === id))
    );
    const inWindow = before.losses.filter((at) => now - at < window).length;
    const isOver = lost.length > 0 && inWindow + lost.length > restarts;
    const isAlone = before.members.length === lost.length;
    assertEquals(
      commands.filter(({ type }) => type === "give_up").length,
      isOver && isAlone ? 1 : 0,
    );
  },
);

law("no timestamp is in the future", ({ walk: { now }, state }) => {
  assert(state.members.every(({ since, heard }) => since <= now && heard <= now));
  assert(Object.values(state.durations).flat().every((ms) => ms >= 0));
});

law("every decision has a reason", ({ commands, reasons }) => {
  if (commands.some(({ type }) => type !== "release" && type !== "kill")) {
    assert(reasons.length > 0);
  }
  assert(reasons.every((reason) => reason.length > 0));
});

Deno.test("without further events, a quorum of the target size forms", () => {
  for (let number = 0; number < WALKS; number++) {
    const walk = new Walk(number);
    for (let left = walk.below(EVENTS); left > 0; left--) walk.on(walk.next());
    for (const id of walk.formed) walk.on({ type: "answered", id });
    walk.on({ type: "want", workers: walk.state.target }); // whoever was refused before
    for (let i = 0; i < 4; i++) {
      walk.now = Math.max(walk.now + walk.rules.tick, walk.state.spawnAt);
      for (const { id } of walk.state.members) walk.on({ type: "heard", id, waitsFor: [] });
      walk.start();
      walk.form();
    }
    const { state } = walk;
    assertEquals([state.formed.length, state.members.length], [state.target, state.target]);
    assertEquals([isWhole(state), wantsForming(state)], [true, false], `walk ${number}`);
    assertEquals(walk.on({ type: "boundary" }).commands, []);
  }
});

Deno.test("a clock jump of an hour at any moment kills no worker", () => {
  for (let number = 0; number < WALKS; number++) {
    const walk = new Walk(number);
    for (let left = walk.below(EVENTS); left > 0; left--) walk.on(walk.next());
    for (const { id } of walk.state.members) walk.on({ type: "heard", id, waitsFor: [] });
    walk.on({ type: "tick" });
    const before = walk.state.members.map(({ id }) => id);
    walk.now += 3_600_000;
    const { commands } = walk.on({ type: "tick" });
    assertEquals(commands.filter(({ type }) => type === "kill"), [], `walk ${number}`);
    assertEquals(walk.state.members.map(({ id }) => id).slice(0, before.length), before);
  }
});

Deno.test("a walk is reproducible: decisions depend on the events alone", () => {
  const told = [1, 2].map(() => {
    const walk = new Walk(7);
    return Array.from({ length: EVENTS }, () => walk.on(walk.next()));
  });
  assertEquals(told[0], told[1]);
});
