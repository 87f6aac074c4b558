/** Copies of one signal are one request; a later one is the second. */
import { assertEquals } from "@std/assert";
import { type Request, Requests } from "../../src/cli/signals.ts";

Deno.test("signals that come before the copies have had their time are one request", () => {
  const requests = new Requests();
  const taken: Request[] = [requests.take(), requests.take(), requests.take()];
  requests.settle();
  taken.push(requests.take());
  assertEquals(taken, ["stop", "repeat", "repeat", "end"]);
});

Deno.test("no time passes for copies before a first signal came", () => {
  const requests = new Requests();
  requests.settle();
  assertEquals([requests.take(), requests.take()], ["stop", "repeat"]);
});
