/** What holds after whatever happens: laws of the decisions, under random walks of events. */
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { rootKey, threefry } from "../../src/base/random.ts";
import { isClosed, isWhole, wantsForming } from "../../src/membership/decide.ts";
import type { Decision, Membership, MembershipEvent, Section } from "../../src/membership/types.ts";
import { MICRO_BATCHES, Story } from "./story.ts";

const WALKS = 200;
const EVENTS = 500;
const SECTIONS: readonly Section[] = ["load", "prove", "step", "evaluate", "save"];

/** A story in which anything happens that may happen, the same for the same number. */
class Walk extends Story {
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
      weighEvery: 3,
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

  /** The next event, after some time in which all who live were heard or not. */
  next(): MembershipEvent {
    // Now and then the coordinator itself stands still.
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
        // A state is told to all of a formation, or lost to all of it, while it is whole.
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

/** A state before an event, and what was decided. */
interface Turn extends Decision {
  readonly walk: Walk;
  readonly event: MembershipEvent;
  readonly before: Membership;
}

/** Holds every turn of every walk to a law. */
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
    // The walks reach everything that can happen, and everything that can be done.
    assertEquals(seen.size, 14 + 6, [...seen].join());
  });
}

const distinct = (values: readonly number[]): boolean => new Set(values).size === values.length;

law("ids are given in turn, and never twice", ({ before, state, commands }) => {
  const spawned = commands.flatMap((c) => c.type === "spawn" ? [c.id] : []);
  assertEquals(spawned, spawned.map((_, i) => before.nextId + i));
  assertEquals(state.nextId, before.nextId + spawned.length);
  assert(distinct(state.members.map(({ id }) => id)));
  assert(state.members.every(({ id }) => id < state.nextId));
});

law(
  "living members have worker slots of their own, of which there are as many as micro-batches",
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
  "each formation has the next attempt, and nothing else changes it",
  ({ before, state, commands }) => {
    const forms = commands.flatMap((c) => c.type === "form" ? [c.attempt] : []);
    assertEquals(forms, state.attempt === before.attempt ? [] : [before.attempt + 1]);
    assertEquals(state.attempt, before.attempt + forms.length);
  },
);

law(
  "a formation shares out all micro-batches, to members in order of their ids",
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
  "a formation has somebody that holds the state as long as any member does",
  ({ before, commands }) => {
    for (const command of commands) {
      if (command.type !== "form" || command.places.some(({ holds }) => holds)) continue;
      const holding = before.members.filter(({ holds }) => holds).map(({ id }) => id);
      assertEquals(holding, [], "these hold the state and are left out");
    }
  },
);

law("who holds the state has been part of a formation", ({ state }) => {
  assert(state.members.every(({ holds, phase }) => !holds || phase === "serving"));
});

law("not more members than wanted stay", ({ state }) => {
  assertLessOrEqual(state.members.filter(({ leaving }) => !leaving).length, state.target);
});

law("who leaves still serves, and is gone with the next formation", ({ state, commands }) => {
  const leaving = state.members.filter((m) => m.leaving);
  assert(leaving.every(({ phase }) => phase === "serving"));
  if (!commands.some(({ type }) => type === "form")) return;
  assert(leaving.every(({ id }) => state.formed.some((place) => place.id === id)));
});

law(
  "members that vanish were lost, refused, killed or released",
  ({ before, state, event, commands }) => {
    const told = commands.flatMap((c) => c.type === "kill" || c.type === "release" ? [c.id] : []);
    for (const { id } of before.members) {
      if (state.members.some((m) => m.id === id) || told.includes(id)) continue;
      assertEquals((event.type === "lost" || event.type === "refused") && event.id, id);
    }
  },
);

law(
  "who is refused costs no restart, and when nobody is left behind two of them a run ends",
  ({ before, state, event, commands }) => {
    const strands = commands.some(({ type }) => type === "strand");
    if (event.type !== "refused") return assertEquals(strands, false);
    assertEquals(state.losses, before.losses);
    const isGone = before.members.some(({ id }) => id === event.id);
    assertEquals(strands, isGone && isClosed(state) && state.members.length === 0);
  },
);

law("nobody is started while those before were refused", ({ before, state, commands }) => {
  if (!isClosed(before) || !isClosed(state)) return;
  assert(!commands.some(({ type }) => type === "spawn"));
});

law(
  "giving up is for more losses in the window than restarts with nobody left, and for nothing else",
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

law("nothing is dated into the future", ({ walk: { now }, state }) => {
  assert(state.members.every(({ since, heard }) => since <= now && heard <= now));
  assert(Object.values(state.pace).flat().every((ms) => ms >= 0));
});

law("whatever is decided has a reason in words", ({ commands, reasons }) => {
  if (commands.some(({ type }) => type !== "release" && type !== "kill")) {
    assert(reasons.length > 0);
  }
  assert(reasons.every((reason) => reason.length > 0));
});

Deno.test("once all is quiet, a formation of as many as wanted stands", () => {
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

Deno.test("a clock that jumps by an hour at any moment kills nobody", () => {
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

Deno.test("a walk is the same each time, for what is decided depends on nothing else", () => {
  const told = [1, 2].map(() => {
    const walk = new Walk(7);
    return Array.from({ length: EVENTS }, () => walk.on(walk.next()));
  });
  assertEquals(told[0], told[1]);
});
