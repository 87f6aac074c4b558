/** Transitions of the membership state machine: state, commands and reasons for each event. */
import { assert, assertEquals } from "@std/assert";
import { candidates, isWhole, noMembers, wantsForming } from "../../src/membership/decide.ts";
import { member, of, running, Simulation } from "./simulation.ts";

Deno.test("the first tick starts the requested number of workers, later ticks none", () => {
  const sim = new Simulation(3);
  const { commands, reasons } = sim.on({ type: "tick" });
  assertEquals(commands, [0, 1, 2].map((id) => ({ type: "spawn", id, workerId: id })));
  assertEquals(reasons, ["worker 0 starts", "worker 1 starts", "worker 2 starts"]);
  const phases = sim.state.members.map(({ phase, section }) => [phase, section]);
  assertEquals(phases, new Array(3).fill(["starting", "start"]));
  assertEquals(sim.on({ type: "tick" }).commands, []);
});

Deno.test("joined counts as a heartbeat and does not end the start section", () => {
  const sim = new Simulation(1);
  sim.on({ type: "tick" });
  sim.now = 700;
  assertEquals(sim.on({ type: "joined", id: 0 }).reasons, []);
  const { phase, section, since, heard } = sim.get(0);
  assertEquals([phase, section, since, heard], ["starting", "start", 0, 700]);
});

Deno.test("ready ends the start section and records its duration", () => {
  const sim = new Simulation(1);
  sim.on({ type: "tick" });
  sim.now = 1500;
  assertEquals(sim.on({ type: "ready", id: 0 }).reasons, ["worker 0 is ready"]);
  const { phase, section } = sim.get(0);
  assertEquals([phase, section], ["ready", undefined]);
  assertEquals(sim.state.durations, { start: [1500] });
});

Deno.test("heard records whom a member waits for and its progress; a new order clears the wait", () => {
  const sim = running(3);
  sim.order(0, "step");
  sim.now = 40;
  sim.on({ type: "heard", id: 0, waitsFor: [1, 2] });
  assertEquals([sim.get(0).heard, sim.get(0).waitsFor], [40, [1, 2]]);
  assertEquals(sim.get(0).moved, undefined);
  sim.now = 45;
  sim.on({ type: "heard", id: 0, waitsFor: [1, 2], moved: true });
  assertEquals([sim.get(0).since, sim.get(0).moved], [0, 45]);
  sim.now = 50;
  sim.order(0, "save");
  const { section, since, waitsFor } = sim.get(0);
  assertEquals([section, since, waitsFor], ["save", 50, []]);
});

Deno.test("answered ends a section and records its duration; without a section it changes nothing", () => {
  const sim = running(2);
  sim.order(1, "step");
  sim.now = 30;
  sim.on({ type: "answered", id: 1 });
  assertEquals(sim.state.durations.step, [30]);
  assertEquals(sim.get(1).section, undefined);
  const before = sim.state;
  sim.now = 90;
  sim.on({ type: "answered", id: 1 });
  assertEquals(sim.state, before);
});

Deno.test("an event about a removed worker changes nothing and reports nothing", () => {
  const sim = running(2);
  const before = sim.state;
  for (
    const event of [
      { type: "joined", id: 9 },
      { type: "ready", id: 9 },
      { type: "heard", id: 9, waitsFor: [0] },
      { type: "ordered", id: 9, section: "step" },
      { type: "answered", id: 9 },
      { type: "lost", id: 9, why: "it fell over" },
    ] as const
  ) {
    const { state, commands, reasons } = sim.on(event);
    assertEquals([state, commands, reasons], [before, [], []], event.type);
  }
});

Deno.test("the first quorum waits for all workers, later ones for none", () => {
  const sim = new Simulation(2);
  sim.on({ type: "tick" });
  sim.on({ type: "ready", id: 1 });
  assertEquals([wantsForming(sim.state), isWhole(sim.state)], [false, false]);
  assertEquals(sim.on({ type: "boundary" }).commands, []);
  sim.on({ type: "ready", id: 0 });
  assertEquals(candidates(sim.state).map(({ id }) => id), [0, 1]);
  assert(wantsForming(sim.state));
  sim.form();
  assert(isWhole(sim.state) && !wantsForming(sim.state));
  sim.lose(0);
  assert(wantsForming(sim.state) && !isWhole(sim.state));
  sim.form();
  assertEquals(sim.formed, [1]);
});

Deno.test("boundary forms a quorum: an attempt, members by rank, and the reason", () => {
  const sim = new Simulation(3);
  sim.start();
  sim.now = 5;
  const { commands, reasons } = sim.on({ type: "boundary" });
  assertEquals(commands, [{
    type: "form",
    attempt: 1,
    places: [
      { id: 0, workerId: 0, count: 3, holds: false },
      { id: 1, workerId: 1, count: 3, holds: false },
      { id: 2, workerId: 2, count: 2, holds: false },
    ],
  }]);
  assertEquals(reasons, ["attempt 1: worker 0 takes 3, worker 1 takes 3, worker 2 takes 2"]);
  const { phase, section, since } = sim.get(2);
  assertEquals([phase, section, since], ["serving", "form", 5]);
  assertEquals(sim.on({ type: "boundary" }).commands, []);
});

Deno.test("boundary admits a replacement, in the free worker slot and without the state", () => {
  const sim = running(3);
  sim.lose(1);
  sim.start();
  const [form] = of(sim.form().commands, "form");
  assertEquals(form?.attempt, 2);
  assertEquals(form?.places.map(({ id, workerId, holds }) => [id, workerId, holds]), [
    [0, 0, true],
    [2, 2, true],
    [3, 1, false],
  ]);
  assertEquals(sim.get(3).holds, true);
});

Deno.test("settled applies to every member of the quorum and to no other", () => {
  const sim = running(2);
  sim.on({ type: "want", workers: 3 });
  sim.start();
  sim.on({ type: "settled", holds: true });
  assertEquals(sim.state.members.map(({ holds }) => holds), [true, true, false]);
  sim.on({ type: "settled", holds: false });
  assertEquals(sim.state.members.map(({ holds }) => holds), [false, false, false]);
});

Deno.test("broken makes the same members form a new quorum with the same shares", () => {
  const sim = running(3);
  const reason = "Cannot reduce step 7 with rank 1: it has left";
  assertEquals(sim.on({ type: "broken", id: 0, why: reason }).reasons, [reason]);
  assert(!isWhole(sim.state) && wantsForming(sim.state));
  sim.form();
  assertEquals([sim.formed, sim.state.attempt], [[0, 1, 2], 2]);
  assertEquals(sim.state.formed.map(({ count }) => count), [3, 3, 2]);
  assert(isWhole(sim.state) && sim.state.members.every(({ holds }) => holds));
});

Deno.test("without ready members no quorum is formed", () => {
  const state = noMembers(1, 0);
  assertEquals([wantsForming(state), isWhole(state), candidates(state)], [false, false, []]);
  const starting = { ...state, attempt: 3, members: [member({ id: 0, phase: "starting" })] };
  assertEquals(wantsForming(starting), false);
});
