/** What the exchange of gradients costs a step. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { exchangeCost, ExchangeTotals } from "../../../workers/coordinator/exchanged.ts";

const vote = (compute: number, exchange: number) => ({
  compute,
  exchange,
  write: 2,
  inspect: 8,
  sent: 100,
  hidden: 0.5,
  waited: [],
});

Deno.test("the cost of the exchange is that of the worker that waits least", () => {
  // The first two wait for the gradient of the third, which is no part of the exchange.
  const cost = exchangeCost([vote(10, 40), vote(20, 30), vote(40, 10)]);
  assertEquals(cost, { ms: 12, share: 12 / 60, hidden: 0.5, bytes: 300 });
  assertEquals(exchangeCost([vote(10, 0)]), undefined);
  const nothing = { ...vote(0, 0), write: 0, inspect: 0 };
  assertEquals(exchangeCost([nothing, nothing])?.share, 0);
});

Deno.test("the share of a run is the mean over its steps, and none for a worker alone", () => {
  const totals = new ExchangeTotals();
  assertEquals(totals.share, undefined);
  totals.add({ ms: 1, share: 0.1, hidden: 0.5, bytes: 1 });
  totals.add({ ms: 3, share: 0.3, hidden: 0.9, bytes: 1 });
  assertAlmostEquals(totals.share as number, 0.2);
  assertAlmostEquals(totals.hidden as number, 0.7);
});
