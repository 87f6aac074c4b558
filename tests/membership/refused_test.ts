/** Workers whose identity differs from the run's: retries, and which members continue. */
import { assert, assertEquals } from "@std/assert";
import { isClosed, wantsForming } from "../../src/membership/decide.ts";
import { of, running, Simulation } from "./simulation.ts";

const why = "shaders: one against another";
const refuse = (sim: Simulation, id: number) => sim.on({ type: "refused", id, why });

/** Waits for the backoff; the ids that are started after it. */
function startedBy(sim: Simulation): number[] {
  sim.now = Math.max(sim.now, sim.state.spawnAt);
  return of(sim.on({ type: "tick" }).commands, "spawn").map(({ id }) => id);
}

Deno.test("a refusal is no loss, another start is tried once, and the other members continue", () => {
  const sim = running(3);
  sim.lose(1);
  assertEquals(startedBy(sim), [3]);
  const { commands, reasons } = refuse(sim, 3);
  assertEquals([commands, reasons], [[], [`worker 3 differs from the run: ${why}`]]);
  assertEquals(startedBy(sim), [4]);
  const second = refuse(sim, 4);
  assertEquals(second.commands, []);
  assertEquals(second.reasons.at(-1), "no other worker is started: 2 in a row were turned away");
  assert(isClosed(sim.state));
  sim.now += 3_600_000;
  assertEquals(startedBy(sim), []);
  assertEquals(sim.state.losses.length, 1);
  assertEquals(sim.state.members.map(({ id }) => id), [0, 2]);
});

Deno.test("a loss or a new target allows further starts", () => {
  const sim = running(3);
  sim.train(1);
  sim.lose(1);
  for (let tries = 0; tries < 2; tries++) for (const id of startedBy(sim)) refuse(sim, id);
  assert(isClosed(sim.state));
  sim.lose(2);
  const both = startedBy(sim);
  assertEquals(both.length, 2);
  for (const id of both) refuse(sim, id);
  assertEquals(startedBy(sim), []);
  sim.on({ type: "want", workers: 2 });
  assertEquals(startedBy(sim).length, 1);
});

Deno.test("an admitted worker resets the count of refusals", () => {
  const sim = running(2);
  sim.lose(1);
  for (const id of startedBy(sim)) refuse(sim, id);
  const [id = -1] = startedBy(sim);
  sim.on({ type: "ready", id });
  assertEquals(sim.state.refused, 0);
});

Deno.test("the first quorum forms without a refused worker", () => {
  const sim = new Simulation(2);
  sim.on({ type: "tick" });
  for (const type of ["joined", "ready"] as const) sim.on({ type, id: 0 });
  assertEquals(wantsForming(sim.state), false);
  refuse(sim, 1);
  assertEquals(wantsForming(sim.state), true);
});

Deno.test("a run without workers ends with the second refusal, not before", () => {
  const sim = running(1);
  sim.train(1);
  sim.lose(0);
  const [first = -1] = startedBy(sim);
  assertEquals(refuse(sim, first).commands, []);
  const [second = -1] = startedBy(sim);
  assertEquals(refuse(sim, second).commands, [{
    type: "strand",
    why: `worker ${second} differs from the run: ${why}`,
  }]);
});

Deno.test("losing the last worker after refusals does not block further starts", () => {
  const sim = new Simulation(3);
  sim.on({ type: "tick" });
  refuse(sim, 0);
  refuse(sim, 1);
  assertEquals(startedBy(sim), []);
  sim.lose(2);
  assertEquals(startedBy(sim).length, 3);
});
