import type { GptConfig } from "../../src/models/gpt/mod.ts";
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { expandSweep } from "../../src/sweep/expand.ts";
import { readSweep } from "../../src/sweep/read.ts";
import { measure, trialsOf } from "./support.ts";

const AXES = { "model.layers": [1, 2], "optim.lr": [0.1, 0.2, 0.3] };

Deno.test("axes are crossed with each other, with seeds and with budgets, in order", async () => {
  const trials = await trialsOf({
    axes: AXES,
    replicates: { seeds: [5, 6] },
    budgets: [20_480, 40_960],
    base: {
      micro_batches: 1,
      micro_batch_size: 8,
      data: { seq_len: 64 },
      optim: { warmup_steps: 5 },
    },
  });
  assertEquals(trials.length, 2 * 3 * 2 * 2);
  assertEquals(trials.slice(0, 5).map(({ name }) => name), [
    "layers=1 lr=0.1 seed=5 tokens=20480",
    "layers=1 lr=0.1 seed=5 tokens=40960",
    "layers=1 lr=0.1 seed=6 tokens=20480",
    "layers=1 lr=0.1 seed=6 tokens=40960",
    "layers=1 lr=0.2 seed=5 tokens=20480",
  ]);
  const [first] = trials;
  const { config } = first as typeof trials[number];
  assertEquals([config.steps, config.optim.decay_steps, config.seed], [40, 40, 5]);
  assertEquals(first?.flops, 6 * (first?.size.counts.all ?? 0) * 20_480);
});

Deno.test("a trial's key follows its numbers, not where and how loudly they are computed", async () => {
  const base = { steps: 60 };
  const keyOf = async (more: object) =>
    (await trialsOf({ base: { ...base, ...more } })).map(({ key }) => key).join();
  const key = await keyOf({});
  for (
    const same of [
      { name: "other", workers: 2, device: "reference", out: "there" },
      { checkpoint: { every: 3 }, report: { progress_every: 7 }, eval: { every: 9 } },
      { recovery: { restarts: 1 } },
    ]
  ) assertEquals(await keyOf(same), key);
  for (
    const other of [
      { steps: 70 },
      { seed: 1 },
      { optim: { lr: 1 } },
      { data: { path: "x.txt" } },
      { eval: { windows: 7 } },
    ]
  ) assertNotEquals(await keyOf(other), key);
  assertEquals(key.length, 16);
});

Deno.test("adding a value leaves the keys of the other trials as they are", async () => {
  const few = await trialsOf({ axes: AXES });
  const more = await trialsOf({ axes: { ...AXES, "model.layers": [1, 3, 2] } });
  const keys = new Set(more.map(({ key }) => key));
  assert(few.every(({ key }) => keys.has(key)));
  assertEquals(more.length, few.length + 3);
});

Deno.test("trials that differ in their length alone are a group", async () => {
  const trials = await trialsOf({ axes: AXES, budgets: { per_parameter: [10, 20] } });
  assertEquals(new Set(trials.map(({ group }) => group)).size, 6);
});

Deno.test("rules derive keys from others, and a width from a number of parameters", async () => {
  const [trial] = await trialsOf({
    axes: { "model.layers": [3] },
    derived: {
      "model.width": { of: "model.layers", times: 33, round: 8, most: 96 },
      "model.heads": { of: "model.width", times: 1 / 32, least: 2 },
    },
  });
  const model = (trial as NonNullable<typeof trial>).config.model as GptConfig;
  assertEquals([model.width, Reflect.get(model, "heads")], [96, 3]);

  for (const params of [5000, 100_000, 3_333_333]) {
    const [found] = await trialsOf({
      base: { model: { kind: "gpt", layers: 2, heads: 4 } },
      derived: { "model.width": { params, count: "all", round: 4 } },
    });
    const { config, size } = found as NonNullable<typeof found>;
    const off = (width: number) => Math.abs(24 * width ** 2 + 100 * width - params);
    const { width } = config.model as GptConfig;
    assertEquals(size.counts.all, 24 * width ** 2 + 100 * width);
    assert(off(width) <= off(width + 4) && (width === 4 || off(width) <= off(width - 4)));
  }
});

Deno.test("budgets are tokens, tokens per parameter, or FLOP", async () => {
  const base = { micro_batches: 1, micro_batch_size: 1, data: { seq_len: 16, stride: 16 } };
  const of = async (budgets: NonNullable<Parameters<typeof trialsOf>[0]["budgets"]>) =>
    (await trialsOf({ base, budgets }))[0] as Awaited<ReturnType<typeof trialsOf>>[number];
  assertEquals((await of([1600])).config.steps, 100);
  const { size: { counts } } = await of([1600]);
  const chinchilla = await of({ per_parameter: [20] });
  assert(Math.abs(chinchilla.tokens / counts.all - 20) < 16 / counts.all);
  const flops = await of({ flops: [1e12], count: "no_embedding" });
  assert(Math.abs(flops.tokens - 1e12 / 6 / counts.no_embedding) <= 8);
});

Deno.test("every trial that cannot be is listed, not the first alone", async () => {
  const sweep = readSweep({ name: "s", axes: { "model.width": [64, 30, 50], "optim.lr": [1, 2] } });
  const { trials, faults } = await expandSweep(sweep, measure);
  assertEquals(trials.length, 2);
  assertEquals(faults.map(({ name }) => name), [
    "width=30 lr=1",
    "width=30 lr=2",
    "width=50 lr=1",
    "width=50 lr=2",
  ]);
  assert(faults.every(({ fault }) => fault.startsWith("model.width: need a multiple of heads")));
});

Deno.test("a length that cannot be is named, and the others stand", async () => {
  const sweep = readSweep({ name: "s", budgets: [2048, 2_048_000] });
  const { trials, faults } = await expandSweep(sweep, measure);
  assertEquals(trials.map(({ config }) => config.steps), [1000]);
  assertEquals(faults, [{
    name: "tokens=2048",
    fault: "optim.warmup_steps: need at most optim.decay_steps: 50 is above 1",
  }]);
});

Deno.test("what is wrong with the program is not taken for a fault of a trial", async () => {
  const broken = () => Promise.reject(new TypeError("no"));
  await assertRejects(() => expandSweep(readSweep({ name: "s" }), broken), TypeError);
  const missing = () => Promise.reject(new UserError("noInput", "Cannot read x"));
  const { faults } = await expandSweep(readSweep({ name: "s" }), missing);
  assertEquals(faults, [{ name: "trial", fault: "Cannot read x" }]);
});
