import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { learningRate, type ScheduleConfig, stableSteps } from "../../src/optim/schedule.ts";

const BASE: ScheduleConfig = {
  schedule: "cosine",
  lr: 1,
  min_lr: 0.1,
  warmup_steps: 4,
  decay_steps: 24,
  decay_share: 0.25,
};
const rates = (n: number, config: Partial<ScheduleConfig> = {}) =>
  Array.from({ length: n }, (_, step) => learningRate(step, { ...BASE, ...config }));

Deno.test("the warmup rises linearly from above 0 to the peak", () => {
  for (const schedule of ["cosine", "linear", "constant"] as const) {
    assertEquals(rates(5, { schedule }), [0.25, 0.5, 0.75, 1, 1]);
  }
});

Deno.test("the learning rate is exactly min_lr from the last step of the decay on", () => {
  for (const schedule of ["cosine", "linear"] as const) {
    const all = rates(60, { schedule, min_lr: 0.07 });
    assertEquals(all[23], 0.07);
    assertEquals(new Set(all.slice(23)), new Set([0.07]));
    assert((all[22] as number) > 0.07);
    assert(all.slice(3, 23).every((rate, i) => rate >= (all[4 + i] as number)));
  }
});

Deno.test("cosine and linear decay are halfway at the middle step", () => {
  // Steps 4 to 23: the middle is between 13 and 14.
  for (const schedule of ["cosine", "linear"] as const) {
    const [a, b] = rates(15, { schedule }).slice(13);
    assertAlmostEquals(((a as number) + (b as number)) / 2, 0.55, 1e-12);
  }
  const quarter = learningRate(9, { ...BASE, decay_steps: 25 });
  assertAlmostEquals(quarter, 0.1 + 0.9 * 0.5 * (1 + Math.SQRT1_2), 1e-12);
});

Deno.test("a constant learning rate stays at its peak", () => {
  assertEquals(rates(40, { schedule: "constant" }).slice(4), new Array(36).fill(1));
});

Deno.test("warmup may fill the whole decay, or be left out", () => {
  const filled = rates(30, { warmup_steps: 24 });
  assertEquals([filled[22], filled[23], filled[24]], [23 / 24, 1, 0.1]);
  const almost = rates(30, { warmup_steps: 23 });
  assertEquals([almost[22], almost[23]], [1, 0.1]);
  const none = rates(30, { warmup_steps: 0 });
  assertEquals([none[0], none[23]], [1, 0.1]);
  assertEquals(rates(3, { warmup_steps: 0, decay_steps: 1 }), [0.1, 0.1, 0.1]);
  for (const all of [filled, almost, none]) assert(all.every((rate) => rate > 0 && rate <= 1));
});

Deno.test("min_lr defaults to a tenth of the peak", () => {
  assertEquals(learningRate(99, { ...BASE, lr: 0.5, min_lr: null, decay_steps: 10 }), 0.05);
});

Deno.test("wsd stays at its peak until decay_share, then decays as 1 - sqrt(t) to min_lr", () => {
  const all = rates(30, { schedule: "wsd" });
  assertEquals(all.slice(3, 18), new Array(15).fill(1));
  for (let i = 0; i < 6; i++) {
    assertAlmostEquals(all[18 + i] as number, 0.1 + 0.9 * (1 - Math.sqrt((i + 1) / 6)), 1e-15);
  }
  assertEquals(all.slice(23), new Array(7).fill(0.1));
});

Deno.test("wsd equals that of longer runs until the decay starts", () => {
  for (const decay_share of [0.01, 0.2, 1 / 3, 1]) {
    for (const [short, long] of [[5, 6], [24, 48], [31, 480]] as const) {
      const of = (decay_steps: number) =>
        rates(short, { schedule: "wsd", warmup_steps: 0, decay_steps, decay_share });
      const shared = Math.min(
        ...[short, long].map((decay_steps) => stableSteps({ decay_steps, decay_share })),
      );
      assertEquals(of(short).slice(0, shared), of(long).slice(0, shared));
      assert((of(short)[stableSteps({ decay_steps: short, decay_share })] as number) < 1);
      assertEquals(of(short).at(-1), 0.1);
    }
  }
});

Deno.test("inverse_sqrt falls as 1 / sqrt(step) behind its peak, and has no end", () => {
  const config = {
    schedule: "inverse_sqrt",
    lr: 0.4,
    min_lr: null,
    warmup_steps: 100,
    decay_steps: 10,
    decay_share: 0.2,
  } as const;
  assertAlmostEquals(learningRate(49, config), 0.2);
  assertAlmostEquals(learningRate(99, config), 0.4);
  assertAlmostEquals(learningRate(399, config), 0.2);
  assertAlmostEquals(learningRate(9999, config), 0.04);
  assertAlmostEquals(learningRate(0, { ...config, warmup_steps: 0 }), 0.4);
  assertAlmostEquals(learningRate(3, { ...config, warmup_steps: 0 }), 0.2);
});
