/** When pieces are asked for: waits that fit the device, and what is submitted meanwhile. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { Waits } from "../../src/engine/piecewise/waits.ts";
import { Piecewise } from "../../src/engine/piecewise/piecewise.ts";

Deno.test("a wait approaches the time that a piece takes, and never exceeds it for long", () => {
  const waits = new Waits();
  assertEquals(waits.wait(0), 0);
  for (const takes of [40, 40, 40, 40, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8]) {
    const waited = waits.wait(0);
    waits.learn(0, { waited: Math.max(waited, 0.01), blocked: Math.max(0, takes - waited) });
    if (takes === 40) assertAlmostEquals(waits.wait(0), 36, 0.01);
  }
  // From 36 ms down to a piece of 8 ms: by a fifth each time, then close below it.
  assert(waits.wait(0) > 5 && waits.wait(0) < 8, String(waits.wait(0)));
});

Deno.test("a piece that was there already shortens the wait, whatever the timer did", () => {
  const waits = new Waits();
  waits.learn(1, { waited: 0, blocked: 100 });
  assertEquals([waits.wait(0), waits.wait(1)], [0, 90]);
  waits.learn(1, { waited: 500, blocked: 0.1 });
  assertEquals(waits.wait(1), 72);
});

Deno.test("the next piece is submitted before the bytes of one are copied, and after it was waited for", async () => {
  const log: string[] = [];
  const work = {
    pieces: 3,
    begin: () => Promise.resolve(void log.push("begin")),
    submit(piece: number) {
      log.push(`submit ${piece}`);
      const staged = {
        map: () => void log.push(`map ${piece}`),
        take: () => Promise.resolve(void log.push(`take ${piece}`)),
      };
      return [{ staged, into: new Float32Array() }];
    },
    end: () => void log.push("end"),
  };
  const arrived = new Piecewise().start(work);
  arrived.forEach((each, piece) => each.then(() => log.push(`arrived ${piece}`)));
  await arrived.at(-1);
  await Promise.resolve();
  assertEquals(log, [
    "begin",
    "submit 0",
    "map 0",
    "submit 1",
    "take 0",
    "arrived 0",
    "map 1",
    "submit 2",
    "end",
    "take 1",
    "arrived 1",
    "map 2",
    "take 2",
    "arrived 2",
  ]);
});
