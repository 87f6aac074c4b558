/** Slow and silent links between workers. */
import { assert, assertEquals } from "@std/assert";
import { args, golden, Lab } from "../support/support.ts";
import { disturbed } from "../support/wire.ts";

Deno.test("22: gpt: a link that is 200 ms late changes no bit, and who is waited for is named", async () => {
  using lab = new Lab();
  const state = await golden("gpt");
  await disturbed(lab, args("gpt", "run", "--workers=3"), {
    each: (link) => link.lanes.forEach((lane) => lane.delay = 200),
  });
  const reasons = lab.journal("run", "membership").map(({ reason }) => String(reason));
  assert(
    reasons.some((text) => /^worker 0 is waited for: \d{3} ms/.test(text)),
    reasons.join("\n"),
  );
  assertEquals(lab.losses("run"), []);
  await lab.assertEnded("run", { state });
});

Deno.test("22: gpt: a link of 10 KB/s changes no bit", async () => {
  using lab = new Lab();
  const small = ["--model.width=8", "--model.heads=2", "--model.layers=1", "--steps=4"];
  const state = await golden("gpt", ...small);
  await disturbed(lab, args("gpt", "run", "--workers=2", ...small), {
    each: (link) => link.lanes.forEach((lane) => lane.rate = 10_000),
  });
  assertEquals(lab.losses("run"), []);
  await lab.assertEnded("run", { state, steps: 4 });
});

Deno.test("22: gpt: three dark seconds cost three seconds", async () => {
  using lab = new Lab();
  const state = await golden("gpt");
  await disturbed(lab, args("gpt", "run", "--workers=2"), {
    after: 6,
    then: (links) => links.forEach(({ lanes }) => lanes.forEach((lane) => lane.blackhole(3000))),
  });
  const broken = lab.journal("run", "membership").filter(({ event }) => event === "broken");
  assertEquals([lab.losses("run"), broken], [[], []]);
  await lab.assertEnded("run", { state });
});
