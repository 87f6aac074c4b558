/** Changing the number of workers: which members leave, which stay, and when. */
import { assert, assertEquals } from "@std/assert";
import { isWhole, wantsForming } from "../../src/membership/decide.ts";
import { of, running } from "./story.ts";

Deno.test("a higher target starts workers at the next tick, and a boundary admits them", () => {
  const story = running(1);
  const { commands, reasons } = story.on({ type: "want", workers: 3 });
  assertEquals([commands, reasons], [[], ["3 workers are wanted instead of 1"]]);
  assertEquals(of(story.on({ type: "tick" }).commands, "spawn").map(({ id }) => id), [1, 2]);
  assertEquals(wantsForming(story.state), false);
  story.start();
  story.form();
  assertEquals(story.formed, [0, 1, 2]);
});

Deno.test("a lower target releases the newest members at the next boundary", () => {
  const story = running(4);
  assertEquals(story.on({ type: "want", workers: 2 }).commands, []);
  assertEquals(story.state.members.map(({ leaving }) => leaving), [false, false, true, true]);
  assert(isWhole(story.state) && wantsForming(story.state));
  const { commands } = story.on({ type: "boundary" });
  assertEquals(of(commands, "release").map(({ id }) => id), [2, 3]);
  assertEquals([story.formed, story.state.members.length], [[0, 1], 2]);
});

Deno.test("a lower target releases starting and ready members at once", () => {
  const story = running(1);
  story.on({ type: "want", workers: 3 });
  story.on({ type: "tick" });
  story.on({ type: "ready", id: 2 });
  const { commands } = story.on({ type: "want", workers: 1 });
  assertEquals(of(commands, "release").map(({ id }) => id).toSorted(), [1, 2]);
  assertEquals(story.state.members.map(({ id }) => id), [0]);
  assertEquals(story.on({ type: "tick" }).commands, []);
});

Deno.test("a lower target keeps members with the state over older ones that are starting", () => {
  const story = running(2);
  story.train(1);
  story.lose(0);
  story.lose(1);
  story.on({ type: "want", workers: 3 });
  story.on({ type: "tick" });
  for (const id of [3, 4]) story.on({ type: "ready", id });
  story.form();
  assertEquals(of(story.on({ type: "want", workers: 2 }).commands, "release"), [
    { type: "release", id: 2 },
  ]);
  assertEquals(story.state.members.map(({ id, leaving }) => [id, leaving]), [[3, false], [
    4,
    false,
  ]]);
});

Deno.test("a lower target keeps serving members over older ones that are starting", () => {
  const story = running(1);
  story.train(1);
  story.lose(0);
  story.on({ type: "want", workers: 2 });
  story.on({ type: "tick" });
  story.on({ type: "ready", id: 2 });
  story.on({ type: "boundary" });
  assertEquals([story.formed, story.get(2).holds], [[2], false]);
  const { commands } = story.on({ type: "want", workers: 1 });
  assertEquals(of(commands, "release").map(({ id }) => id), [1]);
});

Deno.test("a leaving member stays when another is lost, because it has the state", () => {
  const story = running(2);
  story.on({ type: "want", workers: 1 });
  story.lose(0);
  assertEquals(story.state.members.map(({ id, leaving }) => [id, leaving]), [[1, false]]);
  assertEquals(story.on({ type: "tick" }).commands, []);
  const [form] = of(story.form().commands, "form");
  assertEquals(form?.places.map(({ id, holds }) => [id, holds]), [[1, true]]);
});

Deno.test("leaving members stay when the target rises again, because they occupy the worker slots", () => {
  const story = running(8);
  story.on({ type: "want", workers: 2 });
  story.on({ type: "want", workers: 8 });
  assertEquals(story.on({ type: "tick" }).commands, []);
  assertEquals(story.state.members.filter(({ leaving }) => leaving), []);
  assertEquals(wantsForming(story.state), false);
});
