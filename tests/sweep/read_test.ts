import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { readSweep } from "../../src/sweep/read.ts";

const faultsOf = (input: unknown): string =>
  assertThrows(() => readSweep(input), UserError).message.replace("Cannot use this sweep: ", "");

Deno.test("readSweep() fills in what a file leaves out", () => {
  const sweep = readSweep({ name: "s" });
  assertEquals([sweep.base, sweep.axes, sweep.budgets, sweep.retries], [{}, {}, undefined, 2]);
  assertEquals(readSweep({ name: "s", budgets: [5] }).budgets, { tokens: [5] });
  assertEquals(readSweep({ name: "s", base: "x.ts" }, { seed: 3 }).base, { seed: 3 });
});

Deno.test("readSweep() names unknown keys with the nearest known one", () => {
  assertEquals(
    faultsOf({ name: "s", axes: { "optim.lrr": [1] } }),
    'axes.optim.lrr: unknown key, did you mean "optim.lr"?',
  );
  assertEquals(
    faultsOf({ name: "s", axes: { size: [{ "model.layer": 1 }] } }),
    'axes.size.model.layer: unknown key, did you mean "model.layers"?',
  );
  assertEquals(
    faultsOf({ name: "s", derived: { "model.width": { of: "layers", times: 2 } } }),
    'derived.model.width.of: unknown key, did you mean "model.layers"?',
  );
  assertEquals(faultsOf({ name: "s", axs: {} }), 'axs: unknown key, did you mean "axes"?');
});

Deno.test("readSweep() refuses empty axes and such without sense, all in one line", () => {
  const text = faultsOf({
    name: "s",
    axes: {
      "optim.lr": [],
      seed: { log: [1], count: 0 },
      steps: 7,
      "model.width": { range: [1, 2] },
    },
    budgets: [],
  });
  assertEquals(text.split("; "), [
    "axes.optim.lr: need at least one value: it is empty",
    "axes.seed.log: need two numbers, [least, most]",
    "axes.seed.count: need an integer >= 1",
    "axes.steps: need a list or an object with random, draws, log, range",
    "axes.model.width.count: need an integer >= 1",
    "budgets.tokens: need at least one number: it is empty",
  ]);
});

Deno.test("readSweep() refuses what cannot stand together", () => {
  const asha = { min_steps: 3 };
  assertEquals(faultsOf({ name: "s", trunk: true, asha }).split("; "), [
    "trunk: need budgets, which share a trunk",
    "trunk: need false with asha, which ends trials before their decay",
  ]);
  assertEquals(
    faultsOf({ name: "s", budgets: [1], axes: { steps: [1] } }),
    "axes.steps: need no such axis beside budgets, which set it",
  );
  assertEquals(
    faultsOf({ name: "s", replicates: { seeds: [1] }, axes: { seed: [2] } }),
    "replicates: need seeds in one place: axes.seed is there as well",
  );
});
