/** Transitions of the membership state machine: state, commands and reasons for each event. */
import { assert, assertEquals } from "@std/assert";
import { candidates, isWhole, noMembers, wantsForming } from "../../src/membership/decide.ts";
import { member, of, running, Story } from "./story.ts";

Deno.test("the first tick starts the requested number of workers, later ticks none", () => {
  const story = new Story(3);
  const { commands, reasons } = story.on({ type: "tick" });
  assertEquals(commands, [0, 1, 2].map((id) => ({ type: "spawn", id, workerId: id })));
  assertEquals(reasons, ["worker 0 starts", "worker 1 starts", "worker 2 starts"]);
  const phases = story.state.members.map(({ phase, section }) => [phase, section]);
  assertEquals(phases, new Array(3).fill(["starting", "start"]));
  assertEquals(story.on({ type: "tick" }).commands, []);
});

Deno.test("joined counts as a heartbeat and does not end the start section", () => {
  const story = new Story(1);
  story.on({ type: "tick" });
  story.now = 700;
  assertEquals(story.on({ type: "joined", id: 0 }).reasons, []);
  const { phase, section, since, heard } = story.get(0);
  assertEquals([phase, section, since, heard], ["starting", "start", 0, 700]);
});

Deno.test("ready ends the start section and records its duration", () => {
  const story = new Story(1);
  story.on({ type: "tick" });
  story.now = 1500;
  assertEquals(story.on({ type: "ready", id: 0 }).reasons, ["worker 0 is ready"]);
  const { phase, section } = story.get(0);
  assertEquals([phase, section], ["ready", undefined]);
  assertEquals(story.state.durations, { start: [1500] });
});

Deno.test("heard records whom a member waits for and its progress; a new order clears the wait", () => {
  const story = running(3);
  story.order(0, "step");
  story.now = 40;
  story.on({ type: "heard", id: 0, waitsFor: [1, 2] });
  assertEquals([story.get(0).heard, story.get(0).waitsFor], [40, [1, 2]]);
  assertEquals(story.get(0).moved, undefined);
  story.now = 45;
  story.on({ type: "heard", id: 0, waitsFor: [1, 2], moved: true });
  assertEquals([story.get(0).since, story.get(0).moved], [0, 45]);
  story.now = 50;
  story.order(0, "save");
  const { section, since, waitsFor } = story.get(0);
  assertEquals([section, since, waitsFor], ["save", 50, []]);
});

Deno.test("answered ends a section and records its duration; without a section it changes nothing", () => {
  const story = running(2);
  story.order(1, "step");
  story.now = 30;
  story.on({ type: "answered", id: 1 });
  assertEquals(story.state.durations.step, [30]);
  assertEquals(story.get(1).section, undefined);
  const before = story.state;
  story.now = 90;
  story.on({ type: "answered", id: 1 });
  assertEquals(story.state, before);
});

Deno.test("an event about a removed worker changes nothing and reports nothing", () => {
  const story = running(2);
  const before = story.state;
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
    const { state, commands, reasons } = story.on(event);
    assertEquals([state, commands, reasons], [before, [], []], event.type);
  }
});

Deno.test("the first quorum waits for all workers, later ones for none", () => {
  const story = new Story(2);
  story.on({ type: "tick" });
  story.on({ type: "ready", id: 1 });
  assertEquals([wantsForming(story.state), isWhole(story.state)], [false, false]);
  assertEquals(story.on({ type: "boundary" }).commands, []);
  story.on({ type: "ready", id: 0 });
  assertEquals(candidates(story.state).map(({ id }) => id), [0, 1]);
  assert(wantsForming(story.state));
  story.form();
  assert(isWhole(story.state) && !wantsForming(story.state));
  story.lose(0);
  assert(wantsForming(story.state) && !isWhole(story.state));
  story.form();
  assertEquals(story.formed, [1]);
});

Deno.test("boundary forms a quorum: an attempt, members by rank, and the reason", () => {
  const story = new Story(3);
  story.start();
  story.now = 5;
  const { commands, reasons } = story.on({ type: "boundary" });
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
  const { phase, section, since } = story.get(2);
  assertEquals([phase, section, since], ["serving", "form", 5]);
  assertEquals(story.on({ type: "boundary" }).commands, []);
});

Deno.test("boundary admits a replacement, in the free worker slot and without the state", () => {
  const story = running(3);
  story.lose(1);
  story.start();
  const [form] = of(story.form().commands, "form");
  assertEquals(form?.attempt, 2);
  assertEquals(form?.places.map(({ id, workerId, holds }) => [id, workerId, holds]), [
    [0, 0, true],
    [2, 2, true],
    [3, 1, false],
  ]);
  assertEquals(story.get(3).holds, true);
});

Deno.test("settled applies to every member of the quorum and to no other", () => {
  const story = running(2);
  story.on({ type: "want", workers: 3 });
  story.start();
  story.on({ type: "settled", holds: true });
  assertEquals(story.state.members.map(({ holds }) => holds), [true, true, false]);
  story.on({ type: "settled", holds: false });
  assertEquals(story.state.members.map(({ holds }) => holds), [false, false, false]);
});

Deno.test("broken makes the same members form a new quorum with the same shares", () => {
  const story = running(3);
  const reason = "Cannot reduce step 7 with rank 1: it has left";
  assertEquals(story.on({ type: "broken", id: 0, why: reason }).reasons, [reason]);
  assert(!isWhole(story.state) && wantsForming(story.state));
  story.form();
  assertEquals([story.formed, story.state.attempt], [[0, 1, 2], 2]);
  assertEquals(story.state.formed.map(({ count }) => count), [3, 3, 2]);
  assert(isWhole(story.state) && story.state.members.every(({ holds }) => holds));
});

Deno.test("without ready members no quorum is formed", () => {
  const state = noMembers(1, 0);
  assertEquals([wantsForming(state), isWhole(state), candidates(state)], [false, false, []]);
  const starting = { ...state, attempt: 3, members: [member({ id: 0, phase: "starting" })] };
  assertEquals(wantsForming(starting), false);
});
