/** Changing the number of workers: which members leave, which stay, and when. */
import { assert, assertEquals } from "@std/assert";
import { isWhole, wantsForming } from "../../src/membership/decide.ts";
import { of, running } from "./simulation.ts";

Deno.test("a higher target starts workers at the next tick, and a boundary admits them", () => {
  const sim = running(1);
  const { commands, reasons } = sim.on({ type: "want", workers: 3 });
  assertEquals([commands, reasons], [[], ["3 workers are wanted instead of 1"]]);
  assertEquals(of(sim.on({ type: "tick" }).commands, "spawn").map(({ id }) => id), [1, 2]);
  assertEquals(wantsForming(sim.state), false);
  sim.start();
  sim.form();
  assertEquals(sim.formed, [0, 1, 2]);
});

Deno.test("a lower target releases the newest members at the next boundary", () => {
  const sim = running(4);
  assertEquals(sim.on({ type: "want", workers: 2 }).commands, []);
  assertEquals(sim.state.members.map(({ leaving }) => leaving), [false, false, true, true]);
  assert(isWhole(sim.state) && wantsForming(sim.state));
  const { commands } = sim.on({ type: "boundary" });
  assertEquals(of(commands, "release").map(({ id }) => id), [2, 3]);
  assertEquals([sim.formed, sim.state.members.length], [[0, 1], 2]);
});

Deno.test("a lower target releases starting and ready members at once", () => {
  const sim = running(1);
  sim.on({ type: "want", workers: 3 });
  sim.on({ type: "tick" });
  sim.on({ type: "ready", id: 2 });
  const { commands } = sim.on({ type: "want", workers: 1 });
  assertEquals(of(commands, "release").map(({ id }) => id).toSorted(), [1, 2]);
  assertEquals(sim.state.members.map(({ id }) => id), [0]);
  assertEquals(sim.on({ type: "tick" }).commands, []);
});

Deno.test("a lower target keeps members with the state over older ones that are starting", () => {
  const sim = running(2);
  sim.train(1);
  sim.lose(0);
  sim.lose(1);
  sim.on({ type: "want", workers: 3 });
  sim.on({ type: "tick" });
  for (const id of [3, 4]) sim.on({ type: "ready", id });
  sim.form();
  assertEquals(of(sim.on({ type: "want", workers: 2 }).commands, "release"), [
    { type: "release", id: 2 },
  ]);
  assertEquals(sim.state.members.map(({ id, leaving }) => [id, leaving]), [[3, false], [
    4,
    false,
  ]]);
});

Deno.test("a lower target keeps serving members over older ones that are starting", () => {
  const sim = running(1);
  sim.train(1);
  sim.lose(0);
  sim.on({ type: "want", workers: 2 });
  sim.on({ type: "tick" });
  sim.on({ type: "ready", id: 2 });
  sim.on({ type: "boundary" });
  assertEquals([sim.formed, sim.get(2).holds], [[2], false]);
  const { commands } = sim.on({ type: "want", workers: 1 });
  assertEquals(of(commands, "release").map(({ id }) => id), [1]);
});

Deno.test("a leaving member stays when another is lost, because it has the state", () => {
  const sim = running(2);
  sim.on({ type: "want", workers: 1 });
  sim.lose(0);
  assertEquals(sim.state.members.map(({ id, leaving }) => [id, leaving]), [[1, false]]);
  assertEquals(sim.on({ type: "tick" }).commands, []);
  const [form] = of(sim.form().commands, "form");
  assertEquals(form?.places.map(({ id, holds }) => [id, holds]), [[1, true]]);
});

Deno.test("leaving members stay when the target rises again, because they occupy the worker slots", () => {
  const sim = running(8);
  sim.on({ type: "want", workers: 2 });
  sim.on({ type: "want", workers: 8 });
  assertEquals(sim.on({ type: "tick" }).commands, []);
  assertEquals(sim.state.members.filter(({ leaving }) => leaving), []);
  assertEquals(wantsForming(sim.state), false);
});
