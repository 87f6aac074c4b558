import { assertEquals } from "@std/assert";
import { learningRate } from "../../src/optim/schedule.ts";
import { isHeld } from "../../src/sweep/trial_progress.ts";
import { branchPoints, firstDifference, sharedSteps, trunkShares } from "../../src/sweep/trunk.ts";
import { standing, trialOf, trialsOf } from "./support.ts";

const GROUP = [trialOf("a", 100), trialOf("b", 200), trialOf("c", 400)];

Deno.test("the longest of a group is the trunk, and keeps where the others branch off", () => {
  const { shares: found, faults } = trunkShares(GROUP);
  assertEquals(faults, []);
  assertEquals(found.get("c"), { at: [80, 160, 320] });
  assertEquals(found.get("b"), { at: [160], trunk: { key: "c", step: 160 } });
  assertEquals(found.get("a"), { at: [80], trunk: { key: "c", step: 80 } });
});

Deno.test("budgets D to D / 16 cost 1.1875 times the largest with a trunk", () => {
  const trials = [1600, 800, 400, 200, 100].map((steps) => trialOf(String(steps), steps));
  const { shares: found } = trunkShares(trials);
  const steps = trials.reduce(
    (sum, { key, config }) => sum + config.steps - (found.get(key)?.trunk?.step ?? 0),
    0,
  );
  assertEquals(steps / 1600, 1.1875);
});

Deno.test("a schedule that knows its end from the start shares no trunk", async () => {
  const trials = await trialsOf({ budgets: [204_800, 409_600] });
  const { faults } = trunkShares(trials);
  assertEquals(faults.map(({ fault }) => fault), [
    "optim.schedule: need wsd to share a trunk: cosine",
    "optim.schedule: need wsd to share a trunk: cosine",
  ]);
});

Deno.test("two optimizers share the steps before the first decay, and none with other rates", () => {
  const [a, b] = GROUP.map(({ config }) => config.optim) as [
    typeof GROUP[0]["config"]["optim"],
    typeof GROUP[0]["config"]["optim"],
  ];
  assertEquals(sharedSteps(a, b), 80);
  assertEquals(firstDifference(a, b, 200), 80);
  assertEquals(learningRate(79, a), learningRate(79, b));
  for (
    const other of [{ lr: 1 }, { warmup_steps: 3 }, { decay_share: 0.3 }, { min_lr: 0 }, {
      clip: 0,
    }]
  ) {
    assertEquals(sharedSteps(a, { ...b, ...other }), 0);
  }
  assertEquals(firstDifference(a, { ...b, warmup_steps: 3 }, 80), 0);
});

Deno.test("a trial begins at the latest state that is its own as well", () => {
  const [a, b] = GROUP.map(({ config }) => config.optim);
  const siblings = [
    { key: "c", optim: GROUP[2]?.config.optim as NonNullable<typeof a>, steps: [320, 160, 50] },
    { key: "b", optim: b as NonNullable<typeof a>, steps: [200, 160, 70] },
  ];
  assertEquals(branchPoints(a as NonNullable<typeof a>, siblings), [
    { key: "b", step: 70 },
    { key: "c", step: 50 },
  ]);
});

Deno.test("a branch waits while its trunk will come to it, and no longer", () => {
  const [a, , c] = GROUP as [typeof GROUP[0], typeof GROUP[0], typeof GROUP[0]];
  const share = { at: [80], trunk: { key: "c", step: 80 } };
  const held = (branch: object, trunk: object): boolean => {
    const one = standing(a, { share, ...branch });
    return isHeld(one, new Map([["a", one], ["c", standing(c, trunk)]]));
  };
  assertEquals(held({}, {}), true);
  assertEquals(held({}, { state: "runs", checkpoints: [40] }), true);
  assertEquals(held({}, { state: "runs", checkpoints: [80, 40] }), false);
  // It was never told to keep that step, it has failed, it has ended, or the branch is on its way.
  assertEquals(held({}, { state: "runs", checkpoints: [120] }), false);
  assertEquals(held({}, { state: "failed" }), false);
  assertEquals(held({}, { state: "done", checkpoints: [400] }), false);
  assertEquals(held({ checkpoints: [10] }, {}), false);
});
