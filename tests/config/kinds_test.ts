/** A model that becomes one of another kind keeps what both have, on every shipped config. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import { UserError } from "../../src/base/user_error.ts";
import { withKind } from "../../src/config/kinds.ts";
import { loadConfig } from "../../src/config/load.ts";
import { applyOverrides } from "../../src/config/overrides.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import { MODELS } from "../../src/models/mod.ts";
import { expandSweep } from "../../src/sweep/expand.ts";
import { readSweep } from "../../src/sweep/read.ts";

const CONFIGS = new URL("../../configs/", import.meta.url);
const GPT = { model: { kind: "gpt", layers: 3, width: 48, heads: 4, tie_embeddings: true } };

Deno.test("--model.kind leaves out the config's keys of another kind, and says which", () => {
  const said: string[] = [];
  const say = (note: string) => said.push(note);
  const config = applyOverrides(GPT, { "model.kind": "recurrent", "model.cell": "gru" }, say);
  assertEquals(config["model"], { kind: "recurrent", layers: 3, width: 48, cell: "gru" });
  assertEquals(said, [
    "Left out model.heads, model.tie_embeddings: a model of kind recurrent has no such key",
  ]);
  assertEquals(resolveConfig(config).model.kind, "recurrent");
  // A config without a kind is a transformer.
  const { kind: _, ...unnamed } = GPT.model;
  assertEquals(
    applyOverrides({ model: unnamed }, { "model.kind": "recurrent" })["model"],
    { kind: "recurrent", layers: 3, width: 48 },
  );
  assertEquals(said.length, 1);
});

Deno.test("--model.kind changes nothing where it is the config's own, or none", () => {
  const say = (note: string) => assert(false, note);
  assertEquals(applyOverrides(GPT, { "model.kind": "gpt" }, say), GPT);
  assertEquals(applyOverrides({}, { "model.kind": "gpt" }, say), { model: { kind: "gpt" } });
  const refusal = assertThrows(
    () => resolveConfig(applyOverrides(GPT, { "model.kind": "constructor" }, say)),
    UserError,
  );
  assert(
    refusal.message.includes(
      'model.kind: need gpt | llama | moe | encoder | encoder_decoder | recurrent | convnet | char_cnn: "constructor"',
    ),
  );
});

Deno.test("a key on the command line that the kind lacks is refused all the same", () => {
  const config = applyOverrides(GPT, { "model.kind": "recurrent", "model.heads": "2" });
  const { message } = assertThrows(() => resolveConfig(config), UserError);
  assertEquals(message, "Cannot use this config: model.heads: no key of this kind of model");
});

Deno.test("a new model needs no more than its schema for --model.kind to reach it", () => {
  const models = { bag: { schema: { shape: { kind: {}, width: {} } } } };
  assertEquals(withKind(GPT, { section: "model", kind: "bag" }, models), {
    config: { model: { kind: "bag", width: 48 } },
    dropped: ["model.layers", "model.heads", "model.tie_embeddings"],
  });
});

Deno.test("--optim.kind leaves out the config's keys of another optimizer, and says which", () => {
  const said: string[] = [];
  const input = { optim: { lr: 1e-3, beta2: 0.95, eps: 1e-6, groups: [{ match: "head.*" }] } };
  const config = applyOverrides(input, { "optim.kind": "lion" }, (note) => said.push(note));
  assertEquals(config["optim"], {
    kind: "lion",
    lr: 1e-3,
    beta2: 0.95,
    groups: [{ match: "head.*" }],
  });
  assertEquals(said, ["Left out optim.eps: an optimizer of kind lion has no such key"]);
  assertThrows(
    () => resolveConfig(applyOverrides(input, { "optim.kind": "sgd", "optim.beta1": "0.5" })),
    UserError,
    "Cannot use this config: optim.beta1: no key of this kind of optimizer",
  );
});

Deno.test("every shipped config takes every kind, or says what beside the model forbids it", async () => {
  for (const { name, isFile } of Deno.readDirSync(CONFIGS)) {
    if (!isFile) continue;
    const input = await loadConfig(fileURLToPath(new URL(name, CONFIGS)));
    for (const kind of Object.keys(MODELS)) {
      try {
        const { model } = resolveConfig(applyOverrides(input, { "model.kind": kind }));
        assertEquals(model.kind, kind, name);
      } catch (error) {
        assert(error instanceof UserError, `${name} as ${kind}: ${error}`);
        assert(!error.message.includes(" model."), `${name} as ${kind}: ${error.message}`);
      }
    }
  }
});

Deno.test("an axis over model.kind takes sizes from a base of either kind", async () => {
  const sweep = readSweep({
    name: "kinds",
    base: GPT,
    axes: { "model.kind": ["gpt", "recurrent"] },
  }, undefined);
  const size = { counts: { all: 1, no_embedding: 1, matrices: 1, per_layer: 1 } };
  const measure = () => Promise.resolve({ ...size, tokensPerStep: 1, faults: [] } as never);
  const { trials, faults } = await expandSweep(sweep, measure);
  assertEquals(faults, []);
  assertEquals(trials.map(({ config }) => config.model.kind), ["gpt", "recurrent"]);
});

Deno.test("an axis over optim.kind leaves out the base's keys of another optimizer", async () => {
  const sweep = readSweep({
    name: "optimizers",
    base: { optim: { lr: 0.01, beta1: 0.8, eps: 1e-6 } },
    axes: { "optim.kind": ["adamw", "sgd", "lion", "muon"] },
  }, undefined);
  const size = { counts: { all: 1, no_embedding: 1, matrices: 1, per_layer: 1 } };
  const measure = () => Promise.resolve({ ...size, tokensPerStep: 1, faults: [] } as never);
  const { trials, faults } = await expandSweep(sweep, measure);
  assertEquals(faults, []);
  assertEquals(
    trials.map(({ config: { optim } }) => [
      optim.kind,
      optim.lr,
      "beta1" in optim && optim.beta1,
      "eps" in optim && optim.eps,
    ]),
    [["adamw", 0.01, 0.8, 1e-6], ["sgd", 0.01, false, false], ["lion", 0.01, 0.8, false], [
      "muon",
      0.01,
      0.8,
      1e-6,
    ]],
  );
});
