/** What a plan says a worker takes is what a worker takes, slot by slot. */
import type { GptConfig } from "../../src/models/gpt/mod.ts";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunConfig, RunInput } from "../../src/config/schema.ts";
import { faultsOf, fits, largestWindows } from "../../src/budget/fit.ts";
import { memoryOf } from "../../src/budget/memory.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Device, Memory } from "../../src/device/types.ts";
import { corpusIn } from "../../src/corpus/corpus.ts";
import { holdingsOf } from "../../src/engine/holdings.ts";
import { Replica } from "../../src/engine/replica.ts";
import { randomTokens, tinyConfig } from "../support/gpt.ts";
import { tinyRecurrent } from "../support/recurrent.ts";

const VOCABULARY = 29;

/** A reference device that notes the elements of every slot that is made on it. */
function noting(): { device: Device; elements: () => number } {
  const inner = openReference();
  const shared = new Map<string, number>();
  let own = 0;
  const note = (name: string, size: number): void => {
    shared.set(name, Math.max(size, shared.get(name) ?? 0));
  };
  const device: Device = {
    ...inner,
    memory() {
      const memory: Memory = inner.memory();
      const ensure = memory.ensure.bind(memory);
      memory.ensure = (name, size) => {
        note(name, size);
        ensure(name, size);
      };
      return memory;
    },
    load(plan, memory) {
      for (const { name, role, size } of plan.slots) {
        if (role === "local" || role === "const") own += size;
        else note(name, size);
      }
      return inner.load(plan, memory);
    },
  };
  return { device, elements: () => own + shared.values().reduce((a, b) => a + b, 0) };
}

async function bytesTaken(config: RunConfig): Promise<number> {
  const tokens = randomTokens(3000, VOCABULARY);
  const corpus = corpusIn({
    train: tokens.subarray(0, 2500),
    validation: tokens.subarray(2500),
    vocabulary: VOCABULARY,
  });
  const { device, elements } = noting();
  const replica = new Replica(device, { config, corpus });
  await replica.open();
  replica.accumulate(0, { level: Math.log2(config.micro_batches), index: 0 });
  await replica.inspect();
  replica.update(0);
  await replica.evaluate(0, 1);
  if (config.report.gradient_reach) await replica.reach();
  if (config.report.sample_length > 0) {
    // Prompts that need every portion: 64 + 8 + 1, as far as the window has room.
    const prompt = Array.from({ length: 73 }, (_, i) => i % VOCABULARY);
    await replica.sample(prompt, { length: 2, temperature: 1, at: [0, 0] });
  }
  return 4 * elements();
}

const CONFIGS: Record<string, RunConfig> = {
  "a transformer with dropout": tinyConfig({ model: { dropout: 0.1 }, micro_batch_size: 3 }),
  "a transformer that samples": tinyConfig({ window: 80, report: { sample_length: 5 } }),
  "an LSTM that carries its state": tinyRecurrent({
    model: { kind: "recurrent", cell: "lstm", layers: 2 },
    data: { bptt: 8 },
  }),
  "a transformer with frozen layers under Muon": tinyConfig({
    optim: { kind: "muon", groups: [{ match: "blocks.0.*", frozen: true }] },
    model: { layers: 2 },
  }),
  "a transformer under SGD without momentum": tinyConfig({ optim: { kind: "sgd", momentum: 0 } }),
  "a GRU on shuffled windows, and its reach": tinyRecurrent({
    model: { kind: "recurrent", cell: "gru" },
    report: { sample_length: 0, gradient_reach: true },
  }),
};

for (const [name, config] of Object.entries(CONFIGS)) {
  Deno.test(`the bytes of ${name} are those of its worker`, async () => {
    const memory = memoryOf(holdingsOf(config, VOCABULARY));
    assertEquals(memory.total, await bytesTaken(config));
    assertEquals(Object.values(memory.roles).reduce((a, b) => a + b, 0), memory.total);
  });
}

Deno.test("the cache of a sample holds keys and values: two vectors per token and block", () => {
  const config = tinyConfig({ window: 80, model: { layers: 2 }, report: { sample_length: 5 } });
  const { width } = config.model as GptConfig;
  const slots = holdingsOf(config, VOCABULARY).plans.flatMap(({ plan }) => plan.slots);
  const sizes = new Map(slots.map(({ name, size }) => [name, size]));
  for (const block of [0, 1]) {
    assertEquals(sizes.get(`decode/0/blocks.${block}.cache`), 80 * 2 * width);
  }
});

Deno.test("vectors of one layout take a share each: parameters, gradient, moments, levels", () => {
  const config = tinyConfig({ micro_batches: 8 });
  const { roles } = memoryOf(holdingsOf(config, VOCABULARY));
  assertEquals(roles.gradient, roles.parameters);
  assertEquals(roles.moments, 2 * roles.parameters);
  assertEquals(roles.tree_levels, 3 * roles.parameters);
  assertEquals([roles.states, roles.caches], [0, 0]);
});

Deno.test("an optimizer takes its own moments: frozen parameters have none, matrices of Muon one", () => {
  const rolesOf = (optim: RunInput["optim"]) =>
    memoryOf(holdingsOf(tinyConfig({ micro_batches: 8, optim }), VOCABULARY)).roles;
  const { parameters } = rolesOf({ kind: "adamw" });
  assertEquals(rolesOf({ kind: "lion" }).moments, parameters);
  assertEquals(rolesOf({ kind: "sgd" }).moments, parameters);
  assertEquals(rolesOf({ kind: "sgd", momentum: 0 }).moments, 0);
  const blocks = rolesOf({ kind: "adamw", groups: [{ match: "blocks.*", frozen: true }] });
  const others = rolesOf({
    kind: "adamw",
    groups: [{ match: "blocks.*" }, { match: "*", frozen: true }],
  });
  for (const roles of [blocks, others]) {
    assertEquals(roles.parameters, parameters);
    assertEquals([roles.moments, roles.tree_levels], [2 * roles.gradient, 3 * roles.gradient]);
  }
  // The loss has 256 bytes in each gradient.
  assertEquals(blocks.gradient + others.gradient, parameters + 256);
  // 4 matrices of a block: 16 x 48, 16 x 16, 16 x 64, 64 x 16; the loss is beside them.
  assertEquals(rolesOf({ kind: "muon" }).moments, 2 * parameters - 4 * 3072 - 256);
});

function memoryAt(config: RunConfig): (windows: number) => ReturnType<typeof memoryOf> {
  return (windows) => memoryOf(holdingsOf({ ...config, micro_batch_size: windows }, VOCABULARY));
}

Deno.test("the largest number of windows fits, and one more does not", () => {
  for (const [name, config] of Object.entries(CONFIGS)) {
    const at = memoryAt(config);
    const { total, binding, buffer } = at(5);
    const bounds = [
      { workers: 1, memory: total + 100 },
      { workers: 3, memory: 3 * total },
      { workers: 1, binding: binding.bytes },
      { workers: 1, buffer: buffer.bytes },
      { workers: 1, buffer: buffer.bytes, memory: 2 * total, binding: 4 * binding.bytes },
    ];
    for (const limits of bounds) {
      const most = largestWindows(at, limits, { most: 1000 }) ?? NaN;
      assert(most >= 5 || limits.memory === undefined, `${name}: ${most}`);
      assert(fits(at(most), limits) && !fits(at(most + 1), limits), `${name}: ${most}`);
    }
  }
});

Deno.test("windows are bounded by what is asked, and by nothing where nothing is known", () => {
  const at = memoryAt(tinyConfig());
  assertEquals(largestWindows(at, { workers: 1, memory: 1e12 }, { most: 64 }), 64);
  assertEquals(largestWindows(at, { workers: 1, memory: 10 }, { most: 64 }), 0);
  assertEquals(largestWindows(at, { workers: 1 }, { most: 64 }), undefined);
});

Deno.test("what does not fit is named, with what to lower", () => {
  const memory = memoryOf(holdingsOf(tinyConfig({ micro_batch_size: 64 }), VOCABULARY));
  const faults = (limits: Parameters<typeof faultsOf>[1]) => faultsOf(memory, limits).join("; ");
  assertEquals(faults({ workers: 9 }), "");
  const binding = faults({ workers: 1, binding: 64 });
  assert(
    /largest binding \(.+ of the activations\) .+: lower micro_batch_size or data.seq_len$/.test(
      binding,
    ),
  );
  const shared = faults({ workers: 2, memory: memory.total });
  assertMatch(shared, /^2 workers take .+: lower micro_batch_size or data.seq_len, or workers$/);
  assertMatch(
    faults({ workers: 1, memory: memory.total - 1 }),
    new RegExp(`takes ${memory.total} bytes, allowed are ${memory.total - 1}:`),
  );
  const { roles, total } = memory;
  const model = roles.parameters + roles.gradient + roles.moments;
  assertMatch(faults({ workers: 1, memory: model - 1 }), /lower model.width, /);
  assertMatch(faults({ workers: 1, memory: model + 1 }), /lower micro_batches /);
  assert(model + roles.tree_levels < total);
});

Deno.test("a model far too large is planned all the same", () => {
  const config = resolveConfig({
    micro_batch_size: 32,
    model: { kind: "gpt", layers: 96, width: 12288, heads: 96 },
    data: { seq_len: 2048 },
    report: { sample_length: 0 },
  });
  const { roles, total } = memoryOf(holdingsOf(config, 50257));
  assert(roles.parameters > 4 * 174e9 && total > 8 * roles.parameters);
});
