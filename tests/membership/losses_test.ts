/** Lost and hung workers: replacement, backoff, and when a run gives up. */
import { assert, assertEquals } from "@std/assert";
import { of, running, Simulation } from "./simulation.ts";

Deno.test("lost reports the worker and the cause, and the next tick reuses its worker slot", () => {
  const sim = running(2);
  sim.now = 40;
  const { commands, reasons } = sim.lose(0, "its process was ended by SIGKILL");
  assertEquals([commands, reasons], [
    [],
    ["worker 0 is lost: its process was ended by SIGKILL"],
  ]);
  assertEquals(sim.state.losses, [40]);
  assertEquals(of(sim.on({ type: "tick" }).commands, "spawn"), [
    { type: "spawn", id: 2, workerId: 0 },
  ]);
});

Deno.test("the end of a leaving worker is no loss", () => {
  const sim = running(2);
  sim.on({ type: "want", workers: 1 });
  const { commands, reasons } = sim.lose(1);
  assertEquals([commands, reasons, sim.state.losses], [[], [], []]);
  assertEquals(sim.on({ type: "tick" }).commands, []);
});

Deno.test("failed starts are retried at once, then with exponential backoff", () => {
  const sim = new Simulation(1, { restarts: 100 });
  const waits = Array.from({ length: 12 }, (_, id) => {
    sim.on({ type: "tick" });
    sim.lose(id);
    const wait = sim.state.spawnAt - sim.now;
    if (wait > 0) {
      sim.now += wait - 1;
      assertEquals(sim.on({ type: "tick" }).commands, []);
      sim.now += 1;
    }
    return wait;
  });
  const doubled = [250, 500, 1000, 2000, 4000, 8000, 16_000];
  assertEquals(waits, [0, ...doubled, 30_000, 30_000, 30_000, 30_000]);
});

Deno.test("a worker that served a committed step resets the backoff", () => {
  const sim = new Simulation(1);
  for (let id = 0; id < 4; id++) {
    sim.now = sim.state.spawnAt;
    sim.start();
    sim.lose(id);
  }
  assertEquals(sim.state.spawnAt - sim.now, 1000);
  sim.now = sim.state.spawnAt;
  sim.start();
  sim.form();
  sim.train(1);
  sim.lose(4);
  assertEquals([sim.state.unproductiveLosses, sim.state.spawnAt - sim.now], [0, 0]);
});

Deno.test("one loss more than the restarts within the window gives up with a reason", () => {
  const sim = running(1, { restarts: 2, window: 60_000 });
  for (const [now, id] of [[0, 0], [10, 1]] as const) {
    sim.now = now;
    sim.train(1);
    assertEquals(of(sim.lose(id).commands, "give_up"), []);
    sim.start();
    sim.form();
  }
  const why = "3 workers were lost within 1 min, recovery.restarts allows 2; the last one: no luck";
  const { commands, reasons } = sim.lose(2, "no luck");
  assertEquals(commands, [{ type: "give_up", why }]);
  assertEquals(reasons, ["worker 2 is lost: no luck", why]);
});

Deno.test("losses outside the window do not count", () => {
  const sim = running(1, { restarts: 2, window: 60_000 });
  for (let id = 0; id < 20; id++) {
    sim.now = 30_000 * id;
    sim.train(1);
    assertEquals(of(sim.lose(id).commands, "give_up"), [], `loss ${id}`);
    sim.start();
    sim.form();
  }
  assertEquals(sim.state.losses.length, 2);
});

Deno.test("without restarts the remaining workers continue, and the last loss gives up", () => {
  const sim = running(2, { restarts: 0, window: 60_000 });
  const { commands, shortages } = sim.lose(1);
  assertEquals([commands, shortages], [[], [
    "1 worker was lost within 1 min, recovery.restarts allows 0; going on with 1 of 2 workers",
  ]]);
  sim.pass(59_900);
  assertEquals(sim.state.members.map(({ id }) => id), [0]);
  sim.pass(100); // the loss counts no longer
  assertEquals(sim.state.members.map(({ id }) => id), [0, 2]);
  const alone = running(1, { restarts: 0 });
  assertEquals(of(alone.lose(0).commands, "give_up").length, 1);
});

Deno.test("a replacement that cannot start does not end a run with a worker left", () => {
  const sim = running(2, { restarts: 3, window: 60_000 });
  sim.train(1);
  sim.lose(1);
  const told: string[] = [];
  const starts: number[] = [];
  for (const end = sim.now + 300_000; sim.now < end;) {
    sim.pass(100);
    for (const { id, phase } of sim.state.members) {
      if (phase !== "starting") continue;
      starts.push(sim.now);
      const { commands, losses, shortages = [] } = sim.lose(id, `no process ${id} can start`);
      assertEquals([commands, losses], [[], undefined]);
      told.push(...shortages);
    }
  }
  assertEquals(told, [
    "Cannot start another worker: no process 2 can start; going on with 1 of 2 workers",
    "4 workers were lost within 1 min, recovery.restarts allows 3; going on with 1 of 2 workers",
  ]);
  assertEquals(sim.formed, [0, 1]);
  assertEquals(sim.get(0).phase, "serving");
  // Each window contains at most as many starts as restarts are allowed.
  for (const at of starts) {
    assert(starts.filter((start) => start >= at && start < at + 60_000).length <= 4);
  }
  assert(starts.length >= 12, `${starts.length} starts`);
  // After a successful start, the same cause is reported again.
  const starting = (): number => {
    while (!sim.state.members.some(({ phase }) => phase === "starting")) sim.pass(100);
    return sim.state.members.at(-1)?.id as number;
  };
  const id = starting();
  sim.start();
  sim.form();
  assertEquals(sim.formed, [0, id]);
  sim.lose(id);
  const again = sim.lose(starting(), "no process 9 can start").shortages?.[0];
  assertEquals(again?.split(": ")[0], "Cannot start another worker");
});

Deno.test("the last loss gives up and reports why no replacement could start", () => {
  const sim = running(1, { restarts: 2, window: 60_000 });
  sim.train(1);
  sim.lose(0);
  for (let left = 2; left > 0; left--) {
    sim.now = Math.max(sim.now, sim.state.spawnAt);
    sim.on({ type: "tick" });
    const { id } = sim.state.members[0] as { id: number };
    const [end] = of(sim.lose(id, "the binary is gone").commands, "give_up");
    const why = "3 workers were lost within 1 min, recovery.restarts allows 2; the last one: ";
    assertEquals(end?.why, left > 1 ? undefined : `${why}the binary is gone`);
  }
});

Deno.test("a request for workers resets the restart budget and the backoff", () => {
  const sim = running(2, { restarts: 0 });
  sim.lose(1);
  sim.pass(1000);
  assertEquals(sim.state.members.length, 1);
  sim.on({ type: "want", workers: 2 });
  sim.on({ type: "tick" });
  assertEquals(sim.state.members.length, 2);
});

Deno.test("a hung worker is killed, counts as lost, and is replaced in the same tick", () => {
  const sim = running(2);
  for (const id of [0, 1]) sim.order(id, "step");
  const { restarts } = sim.rules;
  while (sim.find(1) !== undefined && sim.now < 200_000) {
    sim.now += sim.rules.tick;
    sim.on({ type: "heard", id: 0, waitsFor: [1] });
    const { commands, reasons } = sim.on({ type: "tick" });
    if (commands.length === 0) continue;
    const why = "step for 120.1 s, no sign of life for 120.1 s";
    assertEquals(commands, [
      { type: "kill", id: 1, why },
      { type: "spawn", id: 2, workerId: 1 },
    ]);
    assertEquals(reasons, [`worker 1 is lost: hung: ${why}`, "worker 2 starts"]);
  }
  assertEquals([sim.state.losses.length, restarts], [1, 10]);
  assertEquals(sim.state.members.map(({ id }) => id), [0, 2]);
});

Deno.test("hung workers use restarts like other losses", () => {
  const sim = running(2, { restarts: 0 });
  sim.order(1, "step");
  sim.order(0, "step");
  sim.on({ type: "answered", id: 0 });
  for (let i = 0; i < 1300 && sim.find(1); i++) {
    sim.now += 100;
    sim.on({ type: "heard", id: 0, waitsFor: [] });
    const { commands } = sim.on({ type: "tick" });
    if (!sim.find(1)) assertEquals(commands.map(({ type }) => type), ["kill"]);
  }
  assertEquals(sim.find(1), undefined);
  assertEquals(of(sim.lose(0).commands, "give_up").length, 1);
});

Deno.test("an hour in which the coordinator was suspended kills no worker", () => {
  const sim = running(3);
  sim.order(0, "step");
  sim.on({ type: "heard", id: 1, waitsFor: [] });
  for (let hour = 1; hour <= 3; hour++) {
    sim.now += 3_600_000;
    assertEquals(sim.on({ type: "tick" }).commands, []);
    sim.pass(1000);
  }
  assertEquals(sim.state.members.map(({ id }) => id), [0, 1, 2]);
  // The suspension does not count, the time after it does.
  assertEquals(sim.now - sim.get(0).since, 3000);
});

Deno.test("an event between a suspension and the next tick gets no future timestamp", () => {
  const sim = running(1);
  sim.now = 10_000;
  sim.order(0, "step"); // its timer was late, the order was not
  sim.on({ type: "tick" });
  const { since, heard } = sim.get(0);
  assert(since <= sim.now && heard <= sim.now, `${since} and ${heard} at ${sim.now}`);
  sim.now += 50;
  sim.on({ type: "answered", id: 0 });
  assertEquals(sim.state.durations.step, [50]);
});
