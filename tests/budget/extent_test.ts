/** Tokens, epochs and hours of a run, from lengths and measured seconds. */
import { assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import { runExtentOf, stepsFor, unevenOf } from "../../src/budget/extent.ts";
import { hoursOf } from "../../src/budget/hours.ts";
import { resolveConfig } from "../../src/config/resolve.ts";

const even = {
  steps: 100,
  micro_batches: 4,
  micro_batch_size: 2,
  eval: { every: 50 },
  checkpoint: { every: 20 },
  optim: { decay_steps: 100, warmup_steps: 10 },
  data: { seq_len: 8, stride: 4 },
};

Deno.test("a run reads steps x micro-batches x windows x tokens", () => {
  const extent = runExtentOf(resolveConfig(even), [{ name: "a", weight: 1, tokens: 1009 }]);
  const { tokens_per_micro_batch, tokens_per_step, tokens, window } = extent;
  assertEquals([tokens_per_micro_batch, tokens_per_step, tokens, window], [16, 64, 6400, 8]);
  const [text] = extent.texts;
  // (1009 - 8 - 1) / 4 + 1 windows make an epoch; 800 are read.
  assertAlmostEquals(text?.epochs ?? NaN, 800 / 251, 1e-12);
  assertAlmostEquals(text?.passes ?? NaN, 6400 / 1009, 1e-12);
});

Deno.test("texts that are mixed have their share each", () => {
  const { texts } = runExtentOf(resolveConfig(even), [
    { name: "a", weight: 3, tokens: 1000 },
    { name: "b", weight: 1, tokens: 1000 },
  ]);
  const [a, b] = texts.map(({ passes }) => passes);
  assertAlmostEquals((a ?? 0) / (b ?? 1), 3, 0.02);
  assertAlmostEquals((a ?? 0) + (b ?? 0), 6.4, 1e-12);
});

Deno.test("lanes make an epoch when each has come to its end", () => {
  const config = resolveConfig({
    ...even,
    model: { kind: "recurrent" },
    data: { bptt: 10 },
  });
  // 8 lanes of 100 tokens are 10 steps each.
  const { texts } = runExtentOf(config, [{ name: "a", weight: 1, tokens: 801 }]);
  assertEquals(texts[0]?.epochs, 10);
});

Deno.test("a source that makes its own tokens has no epochs", () => {
  const { texts, tokens_per_step } = runExtentOf(
    resolveConfig({ ...even, data: { source: "recall", gap: 10 } }),
    [],
  );
  assertEquals([texts, tokens_per_step > 0], [[], true]);
});

Deno.test("what does not come out even is said, and nothing else", () => {
  const facts = (more: Record<string, unknown>) => unevenOf(resolveConfig({ ...even, ...more }));
  assertEquals(facts({}), []);
  assertMatch(facts({ workers: 3 }).join(), /^4 micro-batches on 3 workers: one has 2, so 67 % /);
  assertMatch(facts({ steps: 50, checkpoint: { every: 0 } }).join(), /do not|does not reach/);
  assertMatch(facts({ steps: 200 }).join(), /stays at its minimum$/);
  assertMatch(facts({ eval: { every: 30 } }).join(), /no multiple of eval.every 30/);
  assertEquals(facts({ steps: 10, checkpoint: { every: 0 }, eval: { every: 0 } }).length, 2);
});

Deno.test("steps for a number of tokens are the fewest that read them", () => {
  assertEquals(stepsFor(6400, { tokens_per_step: 64 }), { steps: 100, tokens: 6400 });
  assertEquals(stepsFor(6401, { tokens_per_step: 64 }), { steps: 101, tokens: 6464 });
  assertEquals(stepsFor(1, { tokens_per_step: 64 }).steps, 1);
});

Deno.test("hours follow the worker with the most micro-batches", () => {
  const pace = { micro_batch_seconds: 2, update_seconds: 1 };
  const work = { steps: 3600, micro_batches: 8, tokens_per_step: 34 };
  const one = hoursOf(pace, { ...work, workers: 1, side_by_side: 1 });
  assertEquals(one, { step_seconds: 17, tokens_per_s: 2, hours: 17 });
  assertEquals(hoursOf(pace, { ...work, workers: 4, side_by_side: 4 }).step_seconds, 5);
  assertEquals(hoursOf(pace, { ...work, workers: 3, side_by_side: 3 }).step_seconds, 7);
  assertEquals(hoursOf(pace, { ...work, workers: 4, side_by_side: 1 }).step_seconds, 20);
});
