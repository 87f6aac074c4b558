/** 6: a short storm; the folder `full` has one of a minute. */
import { assertEquals } from "@std/assert";
import { gather } from "../chaos/gather.ts";
import { report } from "../chaos/report.ts";

Deno.test("6: gpt: a run under a fault every second loses no step and no bit", async () => {
  const seed = Date.now() % 1e6;
  const options = { minutes: 0, seed, workers: 2, mtbf: 1, steps: 100 };
  const total = await gather(options, () => {});
  assertEquals(total.wrong, [], `seed ${seed}\n${report(total)}`);
  assertEquals(total.storms.length, 1);
});
