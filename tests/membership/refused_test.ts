/** Workers whose identity differs from the run's: retries, and which members continue. */
import { assert, assertEquals } from "@std/assert";
import { isClosed, wantsForming } from "../../src/membership/decide.ts";
import { of, running, Story } from "./story.ts";

const why = "shaders: one against another";
const refuse = (story: Story, id: number) => story.on({ type: "refused", id, why });

/** Waits for the backoff; the ids that are started after it. */
function startedBy(story: Story): number[] {
  story.now = Math.max(story.now, story.state.spawnAt);
  return of(story.on({ type: "tick" }).commands, "spawn").map(({ id }) => id);
}

Deno.test("a refusal is no loss, another start is tried once, and the other members continue", () => {
  const story = running(3);
  story.lose(1);
  assertEquals(startedBy(story), [3]);
  const { commands, reasons } = refuse(story, 3);
  assertEquals([commands, reasons], [[], [`worker 3 differs from the run: ${why}`]]);
  assertEquals(startedBy(story), [4]);
  const second = refuse(story, 4);
  assertEquals(second.commands, []);
  assertEquals(second.reasons.at(-1), "no other worker is started: 2 in a row were turned away");
  assert(isClosed(story.state));
  story.now += 3_600_000;
  assertEquals(startedBy(story), []);
  assertEquals(story.state.losses.length, 1);
  assertEquals(story.state.members.map(({ id }) => id), [0, 2]);
});

Deno.test("a loss or a new target allows further starts", () => {
  const story = running(3);
  story.train(1);
  story.lose(1);
  for (let tries = 0; tries < 2; tries++) for (const id of startedBy(story)) refuse(story, id);
  assert(isClosed(story.state));
  story.lose(2);
  const both = startedBy(story);
  assertEquals(both.length, 2);
  for (const id of both) refuse(story, id);
  assertEquals(startedBy(story), []);
  story.on({ type: "want", workers: 2 });
  assertEquals(startedBy(story).length, 1);
});

Deno.test("an admitted worker resets the count of refusals", () => {
  const story = running(2);
  story.lose(1);
  for (const id of startedBy(story)) refuse(story, id);
  const [id = -1] = startedBy(story);
  story.on({ type: "ready", id });
  assertEquals(story.state.refused, 0);
});

Deno.test("the first quorum forms without a refused worker", () => {
  const story = new Story(2);
  story.on({ type: "tick" });
  for (const type of ["joined", "ready"] as const) story.on({ type, id: 0 });
  assertEquals(wantsForming(story.state), false);
  refuse(story, 1);
  assertEquals(wantsForming(story.state), true);
});

Deno.test("a run without workers ends with the second refusal, not before", () => {
  const story = running(1);
  story.train(1);
  story.lose(0);
  const [first = -1] = startedBy(story);
  assertEquals(refuse(story, first).commands, []);
  const [second = -1] = startedBy(story);
  assertEquals(refuse(story, second).commands, [{
    type: "strand",
    why: `worker ${second} differs from the run: ${why}`,
  }]);
});

Deno.test("losing the last worker after refusals does not block further starts", () => {
  const story = new Story(3);
  story.on({ type: "tick" });
  refuse(story, 0);
  refuse(story, 1);
  assertEquals(startedBy(story), []);
  story.lose(2);
  assertEquals(startedBy(story).length, 3);
});
