/** What follows from each event: the state, what is to be done, and the reason in words. */
import { assert, assertEquals } from "@std/assert";
import { candidates, isWhole, noMembers, wantsForming } from "../../src/membership/decide.ts";
import { member, of, running, Story } from "./story.ts";

Deno.test("the first tick starts as many workers as are wanted, and no other tick does", () => {
  const story = new Story(3);
  const { commands, reasons } = story.on({ type: "tick" });
  assertEquals(commands, [0, 1, 2].map((id) => ({ type: "spawn", id, workerId: id })));
  assertEquals(reasons, ["worker 0 starts", "worker 1 starts", "worker 2 starts"]);
  const phases = story.state.members.map(({ phase, section }) => [phase, section]);
  assertEquals(phases, new Array(3).fill(["starting", "start"]));
  assertEquals(story.on({ type: "tick" }).commands, []);
});

Deno.test("joined is a sign of life, and does not end the start", () => {
  const story = new Story(1);
  story.on({ type: "tick" });
  story.now = 700;
  assertEquals(story.on({ type: "joined", id: 0 }).reasons, []);
  const { phase, section, since, heard } = story.get(0);
  assertEquals([phase, section, since, heard], ["starting", "start", 0, 700]);
});

Deno.test("ready ends the start, whose time is measured", () => {
  const story = new Story(1);
  story.on({ type: "tick" });
  story.now = 1500;
  assertEquals(story.on({ type: "ready", id: 0 }).reasons, ["worker 0 is ready"]);
  const { phase, section } = story.get(0);
  assertEquals([phase, section], ["ready", undefined]);
  assertEquals(story.state.pace, { start: [1500] });
});

Deno.test("heard says whom a member waits for and that it got further; being told something else ends the waiting", () => {
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

Deno.test("answered ends a section and measures it; without one it changes nothing", () => {
  const story = running(2);
  story.order(1, "step");
  story.now = 30;
  story.on({ type: "answered", id: 1 });
  assertEquals(story.state.pace.step, [30]);
  assertEquals(story.get(1).section, undefined);
  const before = story.state;
  story.now = 90;
  story.on({ type: "answered", id: 1 });
  assertEquals(story.state, before);
});

Deno.test("no event about a worker that is gone changes anything or says anything", () => {
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

Deno.test("the first formation waits for all, later ones for nobody", () => {
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

Deno.test("boundary makes a formation: an attempt, places by rank, and why", () => {
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

Deno.test("boundary takes in who came back, in another worker slot's place, without the state", () => {
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

Deno.test("settled says of the whole formation, and of it alone, that it holds the state", () => {
  const story = running(2);
  story.on({ type: "want", workers: 3 });
  story.start();
  story.on({ type: "settled", holds: true });
  assertEquals(story.state.members.map(({ holds }) => holds), [true, true, false]);
  story.on({ type: "settled", holds: false });
  assertEquals(story.state.members.map(({ holds }) => holds), [false, false, false]);
});

Deno.test("broken makes the same members form anew, with the same shares", () => {
  const story = running(3);
  const reason = "Cannot reduce step 7 with rank 1: it has left";
  assertEquals(story.on({ type: "broken", id: 0, why: reason }).reasons, [reason]);
  assert(!isWhole(story.state) && wantsForming(story.state));
  story.form();
  assertEquals([story.formed, story.state.attempt], [[0, 1, 2], 2]);
  assertEquals(story.state.formed.map(({ count }) => count), [3, 3, 2]);
  assert(isWhole(story.state) && story.state.members.every(({ holds }) => holds));
});

Deno.test("a run of nobody wants no formation", () => {
  const state = noMembers(1, 0);
  assertEquals([wantsForming(state), isWhole(state), candidates(state)], [false, false, []]);
  const starting = { ...state, attempt: 3, members: [member({ id: 0, phase: "starting" })] };
  assertEquals(wantsForming(starting), false);
});
