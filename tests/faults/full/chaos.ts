/** 6: a minute in which a worker is killed every second, with all other faults. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { gather } from "../../chaos/gather.ts";
import { report } from "../../chaos/report.ts";

Deno.test("6: gpt and lstm: a minute of faults every second loses no step, no bit, no descriptor and no file", async () => {
  const seed = Date.now() % 1e6;
  const options = { minutes: 1, seed, workers: 3, mtbf: 1, steps: 200 };
  const total = await gather(options, (line) => console.log(line));
  console.log(`seed ${seed}\n${report(total)}`);
  assertEquals(total.wrong, []);
  assert(total.storms.every(({ steps }) => steps >= 40));
  assert(total.faults.size > 0);
  for (const { descriptors } of total.storms) assertLess(descriptors, 100);
});
