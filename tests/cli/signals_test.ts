/** Copies of one signal are one request; a later one is the second. */
import { assertEquals } from "@std/assert";
import { type Request, Requests } from "../../src/terminal/signals.ts";

Deno.test("signals that come before the copies have had their time are one request", () => {
  const requests = new Requests();
  const taken: Request[] = [
    requests.take("SIGINT"),
    requests.take("SIGINT"),
    requests.take("SIGINT"),
  ];
  requests.settle();
  taken.push(requests.take("SIGINT"));
  assertEquals(taken, ["stop", "repeat", "repeat", "end"]);
});

Deno.test("no time passes for copies before a first signal came", () => {
  const requests = new Requests();
  requests.settle();
  assertEquals([requests.take("SIGINT"), requests.take("SIGINT")], ["stop", "repeat"]);
});

Deno.test("a terminal that is closed asks a command to stop, and never to leave its save undone", () => {
  const requests = new Requests();
  const taken: Request[] = [requests.take("SIGHUP")];
  requests.settle();
  taken.push(requests.take("SIGHUP"), requests.take("SIGHUP"), requests.take("SIGTERM"));
  assertEquals(taken, ["stop", "repeat", "repeat", "end"]);
});
