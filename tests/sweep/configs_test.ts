/** The sweeps of the project are what they say they are. */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../src/config/load.ts";
import { expandSweep } from "../../src/sweep/expand.ts";
import { readSweep } from "../../src/sweep/read.ts";
import { trunkShares } from "../../src/sweep/trunk.ts";
import type { Trial } from "../../src/sweep/types.ts";
import { measureSizes as sizeOf } from "../../src/cli/sweep/sizes.ts";

const DIR = new URL("../../configs/sweeps/", import.meta.url);

/** The trials of a sweep, with real sizes and a made-up vocabulary. */
async function trialsOf(name: string, vocabulary: number): Promise<readonly Trial[]> {
  const sweep = readSweep(await loadConfig(fileURLToPath(new URL(`${name}.ts`, DIR))));
  assertEquals(sweep.name, name);
  const { trials, faults } = await expandSweep(
    sweep,
    (config) => Promise.resolve(sizeOf(config, vocabulary)),
  );
  assertEquals(faults, []);
  if (sweep.trunk) assertEquals(trunkShares(trials).faults, []);
  return trials;
}

/** Most by least of a number over trials. */
function spread(trials: readonly Trial[], of: (trial: Trial) => number): number {
  const all = trials.map(of);
  return Math.max(...all) / Math.min(...all);
}

const params = ({ size }: Trial): number => size.counts.all;

Deno.test("every sweep file has a test here", () => {
  assertEquals(Array.from(Deno.readDirSync(DIR), ({ name }) => name).sort(), [
    "context.ts",
    "dense_vs_moe.ts",
    "gpt_h200.ts",
    "gpt_tiny.ts",
    "rnn_vs_gpt.ts",
  ]);
});

Deno.test("gpt_tiny has five sizes with four budgets", async () => {
  const trials = await trialsOf("gpt_tiny", 80);
  assertEquals([trials.length, new Set(trials.map(({ group }) => group)).size], [20, 5]);
  assert(spread(trials, params) > 15 && spread(trials, ({ tokens }) => tokens) === 8);
});

Deno.test("gpt_h200 spans 10k to more than 100M parameters", async () => {
  const all = (await trialsOf("gpt_h200", 16_384)).map(params);
  assert(Math.max(...all) > 95e6, `at most ${Math.max(...all)}`);
  const bytes = (await trialsOf("gpt_h200", 256)).map(params);
  assert(Math.min(...bytes) < 10_500, `at least ${Math.min(...bytes)}`);
});

Deno.test("rnn_vs_gpt compares equal parameters and equal tokens", async () => {
  const trials = await trialsOf("rnn_vs_gpt", 80);
  assertEquals(trials.length, 4 * 3 * 2);
  assert(spread(trials, params) < 1.03, String(spread(trials, params)));
  assertEquals(new Set(trials.map(({ tokens }) => tokens)).size, 3);
});

Deno.test("dense_vs_moe compares equal FLOP and equal tokens", async () => {
  const trials = await trialsOf("dense_vs_moe", 80);
  assertEquals(trials.length, 3 * 4 * 2);
  assert(spread(trials, params) > 2.5, String(spread(trials, params)));
  const each = ({ flops, tokens }: Trial) => flops / tokens;
  assert(spread(trials, each) < 1.02, String(spread(trials, each)));
  assertEquals(new Set(trials.map(({ tokens }) => tokens)).size, 4);
});

Deno.test("context has equal parameters, tokens of a step and tokens asked", async () => {
  const trials = await trialsOf("context", 80);
  assertEquals(trials.length, 15);
  assertEquals(spread(trials, params), 1);
  assertEquals(spread(trials, ({ size }) => size.tokensPerStep), 1);
  assertEquals(spread(trials, ({ config: { eval: e, data } }) => e.windows * data.seq_len), 1);
});
