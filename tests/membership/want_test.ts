/** Another number of workers: who is let go, who stays, and when. */
import { assert, assertEquals } from "@std/assert";
import { isWhole, wantsForming } from "../../src/membership/decide.ts";
import { of, running } from "./story.ts";

Deno.test("want for more starts them at the next tick; they take part from a boundary on", () => {
  const story = running(1);
  const { commands, reasons } = story.on({ type: "want", workers: 3 });
  assertEquals([commands, reasons], [[], ["3 workers are wanted instead of 1"]]);
  assertEquals(of(story.on({ type: "tick" }).commands, "spawn").map(({ id }) => id), [1, 2]);
  assertEquals(wantsForming(story.state), false);
  story.start();
  story.form();
  assertEquals(story.formed, [0, 1, 2]);
});

Deno.test("want for fewer lets the youngest serve until the boundary, and releases them there", () => {
  const story = running(4);
  assertEquals(story.on({ type: "want", workers: 2 }).commands, []);
  assertEquals(story.state.members.map(({ leaving }) => leaving), [false, false, true, true]);
  assert(isWhole(story.state) && wantsForming(story.state));
  const { commands } = story.on({ type: "boundary" });
  assertEquals(of(commands, "release").map(({ id }) => id), [2, 3]);
  assertEquals([story.formed, story.state.members.length], [[0, 1], 2]);
});

Deno.test("want for fewer releases at once who starts or waits to be taken in", () => {
  const story = running(1);
  story.on({ type: "want", workers: 3 });
  story.on({ type: "tick" });
  story.on({ type: "ready", id: 2 });
  const { commands } = story.on({ type: "want", workers: 1 });
  assertEquals(of(commands, "release").map(({ id }) => id).toSorted(), [1, 2]);
  assertEquals(story.state.members.map(({ id }) => id), [0]);
  assertEquals(story.on({ type: "tick" }).commands, []);
});

Deno.test("want for fewer keeps who has the state, and not an older one that still starts", () => {
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

Deno.test("want for fewer keeps who is about to get the state, and not an older one that starts", () => {
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

Deno.test("who was to leave stays when one that was to stay is lost: it has the state", () => {
  const story = running(2);
  story.on({ type: "want", workers: 1 });
  story.lose(0);
  assertEquals(story.state.members.map(({ id, leaving }) => [id, leaving]), [[1, false]]);
  assertEquals(story.on({ type: "tick" }).commands, []);
  const [form] = of(story.form().commands, "form");
  assertEquals(form?.places.map(({ id, holds }) => [id, holds]), [[1, true]]);
});

Deno.test("who was to leave stays when more are wanted again: there is no worker slot beside them", () => {
  const story = running(8);
  story.on({ type: "want", workers: 2 });
  story.on({ type: "want", workers: 8 });
  assertEquals(story.on({ type: "tick" }).commands, []);
  assertEquals(story.state.members.filter(({ leaving }) => leaving), []);
  assertEquals(wantsForming(story.state), false);
});
