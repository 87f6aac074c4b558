/** Overrides: spelling, coercion, and what is refused. */
import type * as z from "zod";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { keys, showDefault } from "../../src/config/keys.ts";
import { applyOverrides } from "../../src/config/overrides.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { DataConfig } from "../../src/data/schema.ts";
import { SOURCES } from "../../src/data/sources/mod.ts";
import { MODELS } from "../../src/models/mod.ts";
import { OPTIMIZERS } from "../../src/optim/mod.ts";

const refusalOf = (overrides: Record<string, string>, input = {}) =>
  assertThrows(() => applyOverrides(input, overrides), UserError);

Deno.test("applyOverrides() coerces by the type of the key", () => {
  const config = applyOverrides({}, {
    steps: "12",
    "optim.lr": "1e-3",
    "model.tie_embeddings": "true",
    "data.path": "null",
    out: "007",
    name: "3",
    seed: "-1",
    "model.dropout": ".5",
  });
  assertEquals(config, {
    steps: 12,
    optim: { lr: 0.001 },
    model: { tie_embeddings: true, dropout: 0.5 },
    data: { path: null },
    out: "007",
    name: "3",
    seed: -1,
  });
});

Deno.test("applyOverrides() takes - for _ in keys and leaves values alone", () => {
  const config = applyOverrides({}, {
    "micro-batches": "8",
    "optim.weight-decay": "0",
    "out": "a-b",
  });
  assertEquals(config, { micro_batches: 8, optim: { weight_decay: 0 }, out: "a-b" });
});

Deno.test("applyOverrides() changes one key and neither its siblings nor its input", () => {
  const input = { optim: { lr: 1, clip: 2 }, model: { kind: "gpt" } };
  const before = structuredClone(input);
  const config = applyOverrides(input, { "optim.lr": "5", "eval.every": "3" });
  assertEquals(config, { optim: { lr: 5, clip: 2 }, model: { kind: "gpt" }, eval: { every: 3 } });
  assertEquals(input, before);
});

Deno.test("applyOverrides() takes device for device.kind, beside the keys of its section", () => {
  const given = [{ device: "reference" }, { device: { kind: "reference" } }, {}];
  for (const input of given) {
    const both = { "device.checks": "true", device: "cpu" };
    const turned = { device: "cpu", "device.checks": "true" };
    for (const overrides of [both, turned]) {
      const { device } = resolveConfig(applyOverrides(input, overrides));
      assertEquals(device, { kind: "cpu", checks: true });
    }
  }
  assertEquals(resolveConfig({ device: "cpu" }).device, { kind: "cpu", checks: false });
  const { message } = assertThrows(
    () => resolveConfig({ device: { kind: "webgpu", checks: true } }),
    UserError,
  );
  assertMatch(message, /device\.checks: need device cpu: webgpu has no bounds checks to keep$/);
});

Deno.test("a gradient cannot leave in pieces from the CPU device", () => {
  const { message } = assertThrows(
    () => resolveConfig({ device: "cpu", exchange: { overlap: "on" } }),
    UserError,
  );
  assertMatch(message, /exchange\.overlap: need device auto or webgpu: cpu computes on the cores/);
  assertEquals(resolveConfig({ device: "cpu" }).exchange, { way: "file", overlap: "auto" });
});

Deno.test("applyOverrides() names the nearest key for an unknown one", () => {
  const refusal = refusalOf({ "optim.lrr": "1" });
  assertEquals(refusal.message, 'Unknown key "optim.lrr": did you mean "optim.lr"?');
  assertEquals(refusal.exit, "config");
  const cases = {
    step: "steps",
    lr: "optim.lr",
    widht: "model.width",
    "micro-batch": "micro_batches",
    "weight-decay": "optim.weight_decay",
    "data.strid": "data.stride",
    "model.lr": "optim.lr",
    worker: "workers",
  };
  for (const [given, wanted] of Object.entries(cases)) {
    const { message } = refusalOf({ [given]: "1" });
    assertEquals(
      message.startsWith(`Unknown key "${given}": did you mean "${wanted}"?`),
      true,
      message,
    );
  }
});

Deno.test("applyOverrides() does not take a section or an inherited name for a key", () => {
  for (const given of ["optim", "constructor", "__proto__", "optim.__proto__", "optim.lr.x", ""]) {
    const { message } = refusalOf(JSON.parse(`{${JSON.stringify(given)}: "1"}`));
    assertEquals(message.startsWith(`Unknown key "${given}"`), true, message);
  }
});

Deno.test("values of the wrong type are listed with those out of range, all by path", () => {
  const overrides = {
    "steps": "ten",
    "micro_batch_size": "-1",
    "model.tie_embeddings": "yes",
    "optim.lr": "",
    "optim.beta1": "2",
  };
  const { message } = assertThrows(
    () => resolveConfig(applyOverrides({}, overrides)),
    UserError,
    "Cannot use this config: ",
  );
  assertEquals(message.replace("Cannot use this config: ", "").split("; ").sort(), [
    "micro_batch_size: need integer >= 1: -1",
    'model.tie_embeddings: need true or false: "yes"',
    "optim.beta1: need number in [0, 1): 2",
    'optim.lr: need number > 0: ""',
    'steps: need integer >= 1: "ten"',
  ]);
  for (const text of ["NaN", "Infinity", "1e999", "null", " ", "1,5"]) {
    assertThrows(
      () => resolveConfig(applyOverrides({}, { steps: text })),
      UserError,
      `steps: need integer >= 1: ${JSON.stringify(text)}`,
    );
  }
});

Deno.test("applyOverrides() refuses a key inside something that is no section", () => {
  for (const model of ["gpt", 3, [1]]) {
    const { message } = refusalOf({ "model.width": "8" }, { model });
    assertEquals(message.startsWith('Cannot set "model.width": need an object around it'), true);
  }
});

/** The first source that a kind can read. */
function sourceFor(section: string, kind: string): DataConfig["source"] {
  const found = (Object.keys(SOURCES) as DataConfig["source"][]).find((source) => {
    try {
      return resolveConfig({ [section]: { kind }, data: { source } });
    } catch {
      return false;
    }
  });
  assert(found !== undefined, `no source for ${kind}`);
  return found;
}

for (const [section, kinds] of Object.entries({ model: MODELS, optim: OPTIMIZERS })) {
  for (const [kind, { schema }] of Object.entries(kinds)) {
    Deno.test(`applyOverrides() accepts every key of ${kind} with its own default, which then resolves`, () => {
      const others = keys().filter(({ path }) => !/^(model|optim)\./.test(path));
      const schemas = { model: MODELS.gpt.schema, optim: OPTIMIZERS.adamw.schema };
      const own = Object.entries({ ...schemas, [section]: schema }).flatMap(([name, schema]) =>
        keys(schema as z.ZodType).map((key) => ({ ...key, path: `${name}.${key.path}` }))
      );
      const defaults = [...others, ...own].map((key) => [key.path, String(showDefault(key))]);
      const overrides = {
        ...Object.fromEntries(defaults),
        "model.kind": "gpt",
        [`${section}.kind`]: kind,
      };
      const source = sourceFor(section, kind);
      const plain = resolveConfig({ [section]: { kind }, data: { source } });
      const given = { ...overrides, "data.source": source };
      assertEquals(resolveConfig(applyOverrides({}, given)), plain);
    });
  }
}
