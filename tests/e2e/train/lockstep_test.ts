/** The promise of the product, with real processes: one state, however many workers. */
import { assertEquals, assertMatch } from "@std/assert";
import { Place, SAMPLES, tinyArgs } from "../support.ts";

Deno.test("the number of worker processes changes no bit of the state", async (t) => {
  using place = new Place();
  await place.succeed(tinyArgs("one", SAMPLES));
  const straight = place.stateHash("one");
  assertMatch(String(straight), /^[0-9a-f]{64}$/);
  for (const workers of [2, 3, 4]) {
    await t.step(`${workers} workers`, async () => {
      await place.succeed(tinyArgs(`by${workers}`, `--workers=${workers}`, SAMPLES));
      assertEquals(place.stateHash(`by${workers}`), straight);
      const { loss, val_loss } = place.json("one/summary.json");
      const other = place.json(`by${workers}/summary.json`);
      assertEquals([other["loss"], other["val_loss"], other["workers"]], [loss, val_loss, workers]);
    });
  }
  await t.step("4 workers for half of the steps, 1 for the rest", async () => {
    await place.succeed(tinyArgs("half", "--workers=4", "--steps=3"));
    await place.succeed(["--resume=half", "--workers=1", "--steps=6"]);
    assertEquals(place.stateHash("half"), straight);
  });
  await t.step("1 worker for half of the steps, 3 for the rest", async () => {
    await place.succeed(tinyArgs("other", "--steps=3"));
    await place.succeed(["--resume=other", "--workers=3", "--steps=6"]);
    assertEquals(place.stateHash("other"), straight);
  });
  await t.step("another seed gives another state", async () => {
    await place.succeed(tinyArgs("seed", "--seed=2"));
    assertEquals(place.stateHash("seed") === straight, false);
  });
});
