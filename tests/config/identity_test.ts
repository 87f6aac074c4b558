/** Which keys a resumed run may change, and how a difference reads. */
import { assertEquals, assertNotEquals } from "@std/assert";
import {
  changeable,
  configDifferences,
  configHash,
  hashedValues,
  LATER_KEYS,
  MATH_KEYS,
} from "../../src/config/identity.ts";
import { keys } from "../../src/config/keys.ts";
import { applyOverrides } from "../../src/config/overrides.ts";
import { resolveConfig } from "../../src/config/resolve.ts";

/** Another valid value for each key that can change alone, whatever the model. */
const OTHER: Readonly<Record<string, string>> = {
  name: "other",
  seed: "1",
  steps: "9",
  workers: "2",
  "device.kind": "reference",
  "device.checks": "true",
  "exchange.way": "mmap",
  "exchange.overlap": "on",
  gpus: "0",
  out: "there",
  init: "there",
  micro_batches: "8",
  micro_batch_size: "1",
  "eval.every": "1",
  "eval.windows": "1",
  "eval.stride": "8",
  "model.layers": "3",
  "model.width": "8",
  "model.heads": "2",
  "model.kv_heads": "2",
  "model.attention_window": "9",
  "model.dropout": "0.5",
  "model.positions": "sinusoidal",
  "model.rotary_theta": "500000",
  "model.tie_embeddings": "true",
  "model.mup_base_width": "32",
  "data.path": "x.txt",
  "data.mix": '{"x":2}',
  "data.tokenizer": "byte",
  "data.seq_len": "2",
  "data.stride": "2",
  "data.source": "recall",
  "data.gap": "2",
  "data.names": "3",
  "data.fillers": "3",
  "data.image_height": "29",
  "data.image_width": "29",
  "data.image_classes": "9",
  "data.validation": "0.5",
  "optim.lr": "1",
  "optim.beta1": "0",
  "optim.beta2": "0",
  "optim.eps": "1",
  "optim.weight_decay": "0",
  "optim.clip": "0",
  "optim.schedule": "linear",
  "optim.warmup_steps": "0",
  "optim.decay_steps": "50",
  "optim.decay_share": "0.5",
  "optim.min_lr": "0",
  "optim.groups": '[{"match":"head.*","frozen":true}]',
  "checkpoint.every": "1",
  "checkpoint.keep": "9",
  "checkpoint.keep_best": "false",
  "checkpoint.keep_every": "5",
  "checkpoint.at": "[7]",
  "guard.policy": "skip",
  "guard.max_skips": "1",
  "guard.rollback_steps": "2",
  "guard.spike": "0",
  "data.max_unknown": "0.5",
  "guard.hash_every": "1",
  "recovery.restarts": "1",
  "recovery.window_s": "60",
  "recovery.deadline_s": "0.5",
  "recovery.grace_s": "1",
  "report.progress_every": "1",
  "report.prompts": '["a"]',
  "report.sample_every": "1",
  "report.sample_length": "0",
  "report.sample_temperature": "1",
};

/** Keys that a recurrent network alone has, and the source that lets them change. */
const OTHER_RECURRENT: Readonly<Record<string, { value: string; source?: string; bptt?: number }>> =
  {
    "model.cell": { value: "gru" },
    "model.shared_dropout": { value: "true" },
    "model.bidirectional": { value: "true", source: "truecase" },
    "model.memory": { value: "30" },
    "model.readout": { value: "mean", source: "direction" },
    "data.bptt": { value: "8" },
    "data.document_end": { value: "x", bptt: 8 },
    "report.gradient_reach": { value: "true" },
  };

/** Keys of other kinds of models, with a value that is no default, and the source of the kind. */
const OTHER_MODELS: Readonly<Record<string, { value: string; kind: string; source?: string }>> = {
  "model.channels": { value: "[3]", kind: "convnet", source: "images" },
  "model.kernel": { value: "3", kind: "convnet", source: "images" },
  "model.padding": { value: "1", kind: "convnet", source: "images" },
  "model.pool": { value: "1", kind: "convnet", source: "images" },
  "model.dense": { value: "[9]", kind: "convnet", source: "images" },
  "model.kernels": { value: "[2]", kind: "char_cnn", source: "direction" },
  "model.filters": { value: "3", kind: "char_cnn", source: "direction" },
  "model.head_width": { value: "4", kind: "llama" },
  "model.mlp_width": { value: "5", kind: "llama" },
  "model.rotary_scaling": { value: '{"kind":"linear","factor":2}', kind: "llama" },
  "model.qk_norm": { value: "true", kind: "llama" },
  "model.norm_eps": { value: "1e-6", kind: "llama" },
  "model.experts": { value: "3", kind: "moe" },
  "model.experts_per_token": { value: "3", kind: "moe" },
  "model.capacity_factor": { value: "1.5", kind: "moe" },
  "model.balance_weight": { value: "0", kind: "moe" },
  "model.z_weight": { value: "0", kind: "moe" },
  "model.activation": { value: "relu", kind: "encoder", source: "masked" },
  "model.segments": { value: "1", kind: "encoder", source: "masked" },
  "model.decoder_layers": { value: "3", kind: "encoder_decoder", source: "pairs" },
  "model.label_smoothing": { value: "0", kind: "encoder_decoder", source: "pairs" },
  "data.mask_share": { value: "0.3", kind: "encoder", source: "masked" },
};

/** Keys of an optimizer that others lack. */
const OTHER_OPTIMIZER: Readonly<Record<string, { value: string; kind: string }>> = {
  "optim.momentum": { value: "0.5", kind: "sgd" },
  "optim.nesterov": { value: "false", kind: "muon" },
  "optim.adamw_lr": { value: "1", kind: "muon" },
};

/** configHash() of a config without keys, by kind of model, as stored in existing checkpoints. */
const FIRST_HASHES = {
  gpt: "7633ec02a36089d08d040682fa5ca888dd3b73a0b327cfb7e5a1e3be3c10ce8b",
  recurrent: "d5fef03bf1eb32a35291fa2c78b93d9888fdb5fc339fbc1c9ebf9dd12fa07fb3",
} as const;

const BASE = resolveConfig({});
const withKey = (path: string, text: string) => resolveConfig(applyOverrides({}, { [path]: text }));
/** The defaults with one more math key, `optim.later`. */
const withLater = (list: unknown) => ({
  ...BASE,
  optim: Object.assign({}, BASE.optim, { later: list }),
});

Deno.test("changeable() are the keys that leave the numbers alone", () => {
  assertEquals(keys().map(({ path }) => path).filter(changeable), [
    "name",
    "steps",
    "workers",
    "device.kind",
    "device.checks",
    "exchange.way",
    "exchange.overlap",
    "gpus",
    "out",
    "init",
    "eval.every",
    "eval.windows",
    "eval.stride",
    "data.path",
    "data.mix",
    "data.max_unknown",
    "checkpoint.every",
    "checkpoint.keep",
    "checkpoint.keep_best",
    "checkpoint.keep_every",
    "checkpoint.at",
    "guard.policy",
    "guard.max_skips",
    "guard.rollback_steps",
    "guard.spike",
    "guard.hash_every",
    "recovery.restarts",
    "recovery.window_s",
    "recovery.deadline_s",
    "recovery.grace_s",
    "report.gradient_reach",
    "report.progress_every",
    "report.prompts",
    "report.sample_every",
    "report.sample_length",
    "report.sample_temperature",
  ]);
});

Deno.test("configHash() and differences() see each math key and no other", () => {
  assertEquals(
    keys().map(({ path }) => path)
      .filter((path) =>
        !(path in OTHER || path in OTHER_RECURRENT || path in OTHER_MODELS ||
          path in OTHER_OPTIMIZER)
      ),
    // A mask needs an end, and an end without bptt a mask: neither changes alone. Heads of a base
    // need its width.
    ["model.kind", "model.mup_base_heads", "data.document_mask", "optim.kind"],
  );
  for (const [path, text] of Object.entries(OTHER)) {
    const config = withKey(path, text);
    assertNotEquals(config, BASE, path);
    const differs = MATH_KEYS.includes(path);
    assertEquals(configHash(config) !== configHash(BASE), differs, path);
    assertEquals(
      configDifferences(BASE, config).map((d) => d.split(":")[0]),
      differs ? [path] : [],
    );
  }
  const inputs = [
    ...Object.entries(OTHER_RECURRENT).map(([path, { value, source = "text", bptt = null }]) => {
      return { path, value, input: { model: { kind: "recurrent" }, data: { source, bptt } } };
    }),
    ...Object.entries(OTHER_MODELS).map(([path, { value, kind, source = "text" }]) => {
      return { path, value, input: { model: { kind }, data: { source } } };
    }),
    ...Object.entries(OTHER_OPTIMIZER).map(([path, { value, kind }]) => {
      return { path, value, input: { optim: { kind } } };
    }),
  ];
  for (const { path, value, input } of inputs) {
    const base = resolveConfig(input);
    const config = resolveConfig(applyOverrides(input, { [path]: value }));
    const differs = MATH_KEYS.includes(path);
    assertNotEquals(config, base, path);
    assertEquals(configHash(config) !== configHash(base), differs, path);
    assertEquals(
      // Of a table that was null before, its fields differ as well.
      configDifferences(base, config).map((d) => d.split(":")[0]).filter((at) =>
        !at?.startsWith(`${path}.`)
      ),
      differs ? [path] : [],
    );
  }
});

Deno.test("differences() of two kinds of model are the kind and the keys that one of them lacks", () => {
  const sizes = { layers: 2, width: 64 };
  const paths = configDifferences(
    resolveConfig({ model: { kind: "gpt", ...sizes } }),
    resolveConfig({ model: { kind: "recurrent", ...sizes } }),
  ).map((d) => d.split(":")[0]);
  assertEquals(paths.toSorted(), [
    "model.attention_window",
    "model.bidirectional",
    "model.cell",
    "model.heads",
    "model.kind",
    "model.kv_heads",
    "model.memory",
    "model.mup_base_heads",
    "model.mup_base_width",
    "model.positions",
    "model.readout",
    "model.rotary_theta",
    "model.shared_dropout",
    "model.tie_embeddings",
  ]);
});

Deno.test("configHash() does not depend on the order of keys", () => {
  const a = resolveConfig({ seed: 3, optim: { lr: 1, clip: 2 } });
  const b = resolveConfig(JSON.parse('{"optim":{"clip":2,"lr":1},"seed":3}'));
  assertEquals(configHash(a), configHash(b));
});

Deno.test("differences() gives both values", () => {
  assertEquals(configDifferences(BASE, withKey("optim.lr", "0.01")), [
    "optim.lr: 0.003 against 0.01",
  ]);
  assertEquals(configDifferences(BASE, BASE), []);
});

Deno.test("a key that was added later is not hashed while it has its default", () => {
  const before = hashedValues(BASE, {});
  const hashed = (list: unknown) => hashedValues(withLater(list), { "optim.later": [] });
  assertEquals(hashed([]), before);
  assertEquals(hashed([{ a: 1 }]), { ...before, "optim.later": [{ a: 1 }] });
  // Without the rule the key would change the hash of every config.
  assertNotEquals(hashedValues(withLater([]), {}), before);
});

Deno.test("each key that was added later has the default under which it is not hashed", () => {
  const presets = new Map(keys().map((key) => [key.path, key.default]));
  for (const [path, preset] of Object.entries(LATER_KEYS)) {
    assertEquals(MATH_KEYS.includes(path), true, path);
    assertEquals(presets.get(path), preset, path);
  }
});

Deno.test("configHash() of the defaults is that of the first version", () => {
  for (const [kind, hash] of Object.entries(FIRST_HASHES)) {
    assertEquals(configHash(resolveConfig({ model: { kind } })), hash, kind);
  }
});

Deno.test("differences() compares lists by their values", () => {
  assertEquals(configDifferences(withLater([{ a: 1 }]), withLater([{ a: 1 }])), []);
  assertEquals(configDifferences(withLater([]), withLater([{ a: 1 }])), [
    'optim.later: [] against [{"a":1}]',
  ]);
});
