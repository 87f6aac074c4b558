/** Rebalancing of micro-batch shares from measured speeds. */
import { assert, assertEquals } from "@std/assert";
import { isWhole, wantsForming } from "../../src/membership/decide.ts";
import { running } from "./simulation.ts";

Deno.test("computed keeps a worker's latest eight times per micro-batch", () => {
  const sim = running(2);
  for (let ms = 4; ms <= 40; ms += 4) {
    sim.on({ type: "computed", id: 1, ms, waited: [] });
  }
  assertEquals(sim.get(1).speeds, [3, 4, 5, 6, 7, 8, 9, 10]);
  assertEquals(sim.get(0).speeds, []);
});

Deno.test("computed keeps the waits for other ranks, not for the worker's own", () => {
  const sim = running(3);
  sim.lose(0);
  sim.form();
  assertEquals(sim.formed, [1, 2]);
  sim.on({ type: "computed", id: 1, ms: 1, waited: [7, 5] });
  assertEquals([sim.get(1).waits, sim.get(2).waits], [[], [5]]);
});

Deno.test("unequal shares for a slow worker take effect at the next boundary", () => {
  const sim = running(2);
  sim.train(15, (id) => id === 1 ? 30 : 10);
  assertEquals(wantsForming(sim.state), false);
  sim.on({ type: "computed", id: 1, ms: 120, waited: [] });
  const { commands, reasons } = sim.on({ type: "committed" });
  assertEquals(commands, []);
  assertEquals(reasons, [
    "shares 4+4 become 6+2: per micro-batch worker 0 10.0 ms, worker 1 30.0 ms; " +
    "a step's computing takes 60 instead of 120 ms",
  ]);
  assert(isWhole(sim.state) && wantsForming(sim.state));
  sim.form();
  assertEquals(sim.state.formed.map(({ count }) => count), [6, 2]);
  assertEquals([sim.state.shares, sim.state.attempt], [undefined, 2]);
  // Measurements with the previous shares are discarded.
  assertEquals(sim.state.members.map(({ speeds }) => speeds), [[], []]);
});

Deno.test("shares stay when the gain is small or there are too few measurements", () => {
  const alike = running(2);
  alike.train(64, (id) => id === 1 ? 13 : 10);
  assertEquals([alike.state.shares, wantsForming(alike.state)], [undefined, false]);
  const few = running(2, { rebalanceEvery: 7 });
  few.train(7, (id) => id === 1 ? 90 : 10);
  assertEquals([few.state.shares, few.state.sinceRebalance], [undefined, 0]);
  const alone = running(1);
  alone.train(64);
  assertEquals(alone.state.shares, undefined);
});

Deno.test("shares stay when all measured times are zero", () => {
  const sim = running(2);
  sim.train(64, () => 0);
  assertEquals([sim.state.shares, wantsForming(sim.state)], [undefined, false]);
});

Deno.test("shares are equal again when the members change", () => {
  const sim = running(2);
  sim.train(16, (id) => id === 1 ? 30 : 10);
  sim.form();
  sim.on({ type: "want", workers: 3 });
  sim.start();
  sim.form();
  assertEquals(sim.state.formed.map(({ count }) => count), [3, 3, 2]);
});

Deno.test("a straggler is reported and stays", () => {
  const sim = running(3, { gain: 0.9 });
  for (let step = 0; step < 16; step++) {
    for (const id of sim.formed) {
      sim.on({ type: "computed", id, ms: 10, waited: [5, 5, 80] });
    }
    const { reasons } = sim.on({ type: "committed" });
    assertEquals(
      reasons,
      step < 15 ? [] : ["worker 2 is waited for: 80 ms in a step, another 5 ms"],
    );
  }
  assertEquals(wantsForming(sim.state), false);
});
