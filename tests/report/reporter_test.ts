import { assertEquals } from "@std/assert";
import type { RunEvent } from "../../src/report/events.ts";
import { reporter } from "../../src/report/reporter.ts";
import { start, step } from "./fixture.ts";

Deno.test("reporter() passes every event to every sink in order", () => {
  const seen: [string, RunEvent][] = [];
  const report = reporter(["a", "b"].map((name) => (event) => void seen.push([name, event])));
  report(start());
  report(step(1));
  assertEquals(seen, [["a", start()], ["b", start()], ["a", step(1)], ["b", step(1)]]);
});

Deno.test("reporter() drops a sink that throws and notifies the others", () => {
  const seen: RunEvent[] = [];
  let calls = 0;
  const broken = () => {
    calls++;
    throw new Error("Broken pipe");
  };
  const report = reporter([broken, (event) => void seen.push(event)]);
  report(start());
  report(step(1));
  assertEquals(calls, 1);
  const notice: RunEvent = { type: "notice", text: "A report was dropped: Broken pipe" };
  assertEquals(seen, [start(), notice, step(1)]);
});

Deno.test("reporter() ends when every sink has failed", () => {
  const broken = () => {
    throw new Error("no");
  };
  const report = reporter([broken, broken]);
  report(start());
  report(step(1));
  reporter([])(step(1));
});
