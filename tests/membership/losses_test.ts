/** Workers that are lost or hung: what is made good, how fast, and when a run gives up. */
import { assert, assertEquals } from "@std/assert";
import { of, running, Story } from "./story.ts";

Deno.test("lost names the worker and why, and the next tick starts another in its seat", () => {
  const story = running(2);
  story.now = 40;
  const { commands, reasons } = story.lose(0, "its process was ended by SIGKILL");
  assertEquals([commands, reasons], [
    [],
    ["worker 0 is lost: its process was ended by SIGKILL"],
  ]);
  assertEquals(story.state.losses, [40]);
  assertEquals(of(story.on({ type: "tick" }).commands, "spawn"), [
    { type: "spawn", id: 2, seat: 0 },
  ]);
});

Deno.test("a worker that was let go is no loss when it ends", () => {
  const story = running(2);
  story.on({ type: "want", workers: 1 });
  const { commands, reasons } = story.lose(1);
  assertEquals([commands, reasons, story.state.losses], [[], [], []]);
  assertEquals(story.on({ type: "tick" }).commands, []);
});

Deno.test("starts that come to nothing are tried again at once, then after ever longer waits", () => {
  const story = new Story(1, { restarts: 100 });
  const waits = Array.from({ length: 12 }, (_, id) => {
    story.on({ type: "tick" });
    story.lose(id);
    const wait = story.state.spawnAt - story.now;
    if (wait > 0) {
      story.now += wait - 1;
      assertEquals(story.on({ type: "tick" }).commands, []);
      story.now += 1;
    }
    return wait;
  });
  const doubled = [250, 500, 1000, 2000, 4000, 8000, 16_000];
  assertEquals(waits, [0, ...doubled, 30_000, 30_000, 30_000, 30_000]);
});

Deno.test("a worker that saw a step committed ends the waiting", () => {
  const story = new Story(1);
  for (let id = 0; id < 4; id++) {
    story.now = story.state.spawnAt;
    story.start();
    story.lose(id);
  }
  assertEquals(story.state.spawnAt - story.now, 1000);
  story.now = story.state.spawnAt;
  story.start();
  story.form();
  story.train(1);
  story.lose(4);
  assertEquals([story.state.barren, story.state.spawnAt - story.now], [0, 0]);
});

Deno.test("one loss more than the restarts within the window gives up, and says so", () => {
  const story = running(1, { restarts: 2, window: 60_000 });
  for (const [now, id] of [[0, 0], [10, 1]] as const) {
    story.now = now;
    story.train(1);
    assertEquals(of(story.lose(id).commands, "give_up"), []);
    story.start();
    story.form();
  }
  const why = "3 workers were lost within 1 min, recovery.restarts allows 2; the last one: no luck";
  const { commands, reasons } = story.lose(2, "no luck");
  assertEquals(commands, [{ type: "give_up", why }]);
  assertEquals(reasons, ["worker 2 is lost: no luck", why]);
});

Deno.test("losses count no longer once the window is over", () => {
  const story = running(1, { restarts: 2, window: 60_000 });
  for (let id = 0; id < 20; id++) {
    story.now = 30_000 * id;
    story.train(1);
    assertEquals(of(story.lose(id).commands, "give_up"), [], `loss ${id}`);
    story.start();
    story.form();
  }
  assertEquals(story.state.losses.length, 2);
});

Deno.test("no restarts allowed: the first loss gives up", () => {
  const story = running(2, { restarts: 0 });
  assertEquals(of(story.lose(1).commands, "give_up").length, 1);
});

Deno.test("a hung worker is killed, counts as lost, and is replaced in the same tick", () => {
  const story = running(2);
  for (const id of [0, 1]) story.order(id, "step");
  const { restarts } = story.rules;
  while (story.find(1) !== undefined && story.now < 200_000) {
    story.now += story.rules.tick;
    story.on({ type: "heard", id: 0, waitsFor: [1] });
    const { commands, reasons } = story.on({ type: "tick" });
    if (commands.length === 0) continue;
    const why = "step for 120.1 s, no sign of life for 120.1 s";
    assertEquals(commands, [
      { type: "kill", id: 1, why },
      { type: "spawn", id: 2, seat: 1 },
    ]);
    assertEquals(reasons, [`worker 1 is lost: hung: ${why}`, "worker 2 starts"]);
  }
  assertEquals([story.state.losses.length, restarts], [1, 10]);
  assertEquals(story.state.members.map(({ id }) => id), [0, 2]);
});

Deno.test("hung workers use up the restarts like others", () => {
  const story = running(2, { restarts: 0 });
  story.order(1, "step");
  story.order(0, "step");
  story.on({ type: "answered", id: 0 });
  for (let i = 0; i < 1300 && story.find(1); i++) {
    story.now += 100;
    story.on({ type: "heard", id: 0, waitsFor: [] });
    const { commands } = story.on({ type: "tick" });
    if (!story.find(1)) {
      assertEquals(commands.map(({ type }) => type).slice(0, 2), ["kill", "give_up"]);
    }
  }
  assertEquals(story.find(1), undefined);
});

Deno.test("an hour in which the coordinator stood still kills nobody", () => {
  const story = running(3);
  story.order(0, "step");
  story.on({ type: "heard", id: 1, waitsFor: [] });
  for (let hour = 1; hour <= 3; hour++) {
    story.now += 3_600_000;
    assertEquals(story.on({ type: "tick" }).commands, []);
    story.pass(1000);
  }
  assertEquals(story.state.members.map(({ id }) => id), [0, 1, 2]);
  // What stood still is not counted, what passed since is.
  assertEquals(story.now - story.get(0).since, 3000);
});

Deno.test("what comes in before the tick after a standstill is not dated into the future", () => {
  const story = running(1);
  story.now = 10_000;
  story.order(0, "step"); // its timer was late, the order was not
  story.on({ type: "tick" });
  const { since, heard } = story.get(0);
  assert(since <= story.now && heard <= story.now, `${since} and ${heard} at ${story.now}`);
  story.now += 50;
  story.on({ type: "answered", id: 0 });
  assertEquals(story.state.pace.step, [50]);
});
