/** Faulty links between workers do not change a run's bits. */
import { assertEquals, assertMatch } from "@std/assert";
import { args, FAMILIES, golden, Lab } from "./support/support.ts";
import { disturbed } from "./support/wire.ts";

for (const family of FAMILIES) {
  Deno.test(`22: ${family}: altered, cut and half-closed links cost an attempt each, no worker and no step`, async () => {
    using lab = new Lab();
    const state = await golden(family);
    let met = 0;
    await disturbed(lab, args(family, "run", "--workers=2"), {
      // The handshake takes some hundred bytes; frames of a step follow.
      each: (link) => {
        const faults = [
          () => link.there.flip(40_000),
          () => link.back.truncate(50_000),
          () => link.there.flip(30_000, 128),
        ];
        faults[met++]?.();
      },
    });
    assertEquals(lab.losses("run"), []);
    const broken = lab.journal("run", "membership").filter(({ event }) => event === "broken");
    assertMatch(String(broken[0]?.["reason"]), /Cannot reduce step \d+ with rank \d/);
    // Each fault ends one attempt; rebalancing may start another.
    assertEquals(Array.from(new Set(broken.map(({ attempt }) => attempt))), [1, 2, 3]);
    await lab.assertEnded("run", { state });
  });
}

Deno.test("22: gpt: a link that swallows everything for ever costs one worker, and no step", async () => {
  using lab = new Lab();
  const state = await golden("gpt");
  const line = args("gpt", "run", "--workers=2", "--recovery.deadline_s=1");
  await disturbed(lab, line, {
    after: 6,
    then: (links) => links.forEach(({ lanes }) => lanes.forEach((lane) => lane.blackhole())),
  });
  const [loss, ...more] = lab.losses("run");
  assertEquals(more, []);
  assertMatch(String(loss?.["reason"]), /is lost: hung: \d wait for it, step for \d+\.\d s$/);
  await lab.assertEnded("run", { state });
});
