/** Lost and hung workers: replacement, backoff, and when a run gives up. */
import { assert, assertEquals } from "@std/assert";
import { of, running, Story } from "./story.ts";

Deno.test("lost reports the worker and the cause, and the next tick reuses its worker slot", () => {
  const story = running(2);
  story.now = 40;
  const { commands, reasons } = story.lose(0, "its process was ended by SIGKILL");
  assertEquals([commands, reasons], [
    [],
    ["worker 0 is lost: its process was ended by SIGKILL"],
  ]);
  assertEquals(story.state.losses, [40]);
  assertEquals(of(story.on({ type: "tick" }).commands, "spawn"), [
    { type: "spawn", id: 2, workerId: 0 },
  ]);
});

Deno.test("the end of a leaving worker is no loss", () => {
  const story = running(2);
  story.on({ type: "want", workers: 1 });
  const { commands, reasons } = story.lose(1);
  assertEquals([commands, reasons, story.state.losses], [[], [], []]);
  assertEquals(story.on({ type: "tick" }).commands, []);
});

Deno.test("failed starts are retried at once, then with exponential backoff", () => {
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

Deno.test("a worker that served a committed step resets the backoff", () => {
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
  assertEquals([story.state.unproductiveLosses, story.state.spawnAt - story.now], [0, 0]);
});

Deno.test("one loss more than the restarts within the window gives up with a reason", () => {
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

Deno.test("losses outside the window do not count", () => {
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

Deno.test("without restarts the remaining workers continue, and the last loss gives up", () => {
  const story = running(2, { restarts: 0, window: 60_000 });
  const { commands, shortages } = story.lose(1);
  assertEquals([commands, shortages], [[], [
    "1 worker was lost within 1 min, recovery.restarts allows 0; going on with 1 of 2 workers",
  ]]);
  story.pass(59_900);
  assertEquals(story.state.members.map(({ id }) => id), [0]);
  story.pass(100); // the loss counts no longer
  assertEquals(story.state.members.map(({ id }) => id), [0, 2]);
  const alone = running(1, { restarts: 0 });
  assertEquals(of(alone.lose(0).commands, "give_up").length, 1);
});

Deno.test("a replacement that cannot start does not end a run with a worker left", () => {
  const story = running(2, { restarts: 3, window: 60_000 });
  story.train(1);
  story.lose(1);
  const told: string[] = [];
  const starts: number[] = [];
  for (const end = story.now + 300_000; story.now < end;) {
    story.pass(100);
    for (const { id, phase } of story.state.members) {
      if (phase !== "starting") continue;
      starts.push(story.now);
      const { commands, losses, shortages = [] } = story.lose(id, `no process ${id} can start`);
      assertEquals([commands, losses], [[], undefined]);
      told.push(...shortages);
    }
  }
  assertEquals(told, [
    "Cannot start another worker: no process 2 can start; going on with 1 of 2 workers",
    "4 workers were lost within 1 min, recovery.restarts allows 3; going on with 1 of 2 workers",
  ]);
  assertEquals(story.formed, [0, 1]);
  assertEquals(story.get(0).phase, "serving");
  // Each window contains at most as many starts as restarts are allowed.
  for (const at of starts) {
    assert(starts.filter((start) => start >= at && start < at + 60_000).length <= 4);
  }
  assert(starts.length >= 12, `${starts.length} starts`);
  // After a successful start, the same cause is reported again.
  const starting = (): number => {
    while (!story.state.members.some(({ phase }) => phase === "starting")) story.pass(100);
    return story.state.members.at(-1)?.id as number;
  };
  const id = starting();
  story.start();
  story.form();
  assertEquals(story.formed, [0, id]);
  story.lose(id);
  const again = story.lose(starting(), "no process 9 can start").shortages?.[0];
  assertEquals(again?.split(": ")[0], "Cannot start another worker");
});

Deno.test("the last loss gives up and reports why no replacement could start", () => {
  const story = running(1, { restarts: 2, window: 60_000 });
  story.train(1);
  story.lose(0);
  for (let left = 2; left > 0; left--) {
    story.now = Math.max(story.now, story.state.spawnAt);
    story.on({ type: "tick" });
    const { id } = story.state.members[0] as { id: number };
    const [end] = of(story.lose(id, "the binary is gone").commands, "give_up");
    const why = "3 workers were lost within 1 min, recovery.restarts allows 2; the last one: ";
    assertEquals(end?.why, left > 1 ? undefined : `${why}the binary is gone`);
  }
});

Deno.test("a request for workers resets the restart budget and the backoff", () => {
  const story = running(2, { restarts: 0 });
  story.lose(1);
  story.pass(1000);
  assertEquals(story.state.members.length, 1);
  story.on({ type: "want", workers: 2 });
  story.on({ type: "tick" });
  assertEquals(story.state.members.length, 2);
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
      { type: "spawn", id: 2, workerId: 1 },
    ]);
    assertEquals(reasons, [`worker 1 is lost: hung: ${why}`, "worker 2 starts"]);
  }
  assertEquals([story.state.losses.length, restarts], [1, 10]);
  assertEquals(story.state.members.map(({ id }) => id), [0, 2]);
});

Deno.test("hung workers use restarts like other losses", () => {
  const story = running(2, { restarts: 0 });
  story.order(1, "step");
  story.order(0, "step");
  story.on({ type: "answered", id: 0 });
  for (let i = 0; i < 1300 && story.find(1); i++) {
    story.now += 100;
    story.on({ type: "heard", id: 0, waitsFor: [] });
    const { commands } = story.on({ type: "tick" });
    if (!story.find(1)) assertEquals(commands.map(({ type }) => type), ["kill"]);
  }
  assertEquals(story.find(1), undefined);
  assertEquals(of(story.lose(0).commands, "give_up").length, 1);
});

Deno.test("an hour in which the coordinator was suspended kills no worker", () => {
  const story = running(3);
  story.order(0, "step");
  story.on({ type: "heard", id: 1, waitsFor: [] });
  for (let hour = 1; hour <= 3; hour++) {
    story.now += 3_600_000;
    assertEquals(story.on({ type: "tick" }).commands, []);
    story.pass(1000);
  }
  assertEquals(story.state.members.map(({ id }) => id), [0, 1, 2]);
  // The suspension does not count, the time after it does.
  assertEquals(story.now - story.get(0).since, 3000);
});

Deno.test("an event between a suspension and the next tick gets no future timestamp", () => {
  const story = running(1);
  story.now = 10_000;
  story.order(0, "step"); // its timer was late, the order was not
  story.on({ type: "tick" });
  const { since, heard } = story.get(0);
  assert(since <= story.now && heard <= story.now, `${since} and ${heard} at ${story.now}`);
  story.now += 50;
  story.on({ type: "answered", id: 0 });
  assertEquals(story.state.durations.step, [50]);
});
