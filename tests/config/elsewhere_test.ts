/** Names of other trainers get the key that means the same, or what to do instead. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { elsewhereTables, fromElsewhere } from "../../src/config/elsewhere.ts";
import { keys, sections } from "../../src/config/keys.ts";
import { applyOverrides } from "../../src/config/overrides.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import { readSweep } from "../../src/sweep/read.ts";
import { parseCommandLine } from "../../src/cli/args.ts";
import { parseGenerate } from "../../src/cli/generate/request.ts";
import { parseSweep } from "../../src/cli/sweep/request.ts";

/** The line that something is refused with. */
function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Error && error.name === "UserError") return error.message;
    throw error;
  }
  return "";
}

/** A config in which a dotted key has a value. */
function nested(path: string, value: unknown): Record<string, unknown> {
  const [head = "", ...rest] = path.split(".");
  return { [head]: rest.length === 0 ? value : nested(rest.join("."), value) };
}

/** A name, and what its hint must say. */
const NAMES: Readonly<Record<string, string>> = {
  // nanoGPT
  n_layer: "model.layers",
  n_head: "model.heads",
  n_embd: "model.width",
  block_size: "data.seq_len",
  batch_size: "micro_batch_size",
  max_iters: "steps",
  learning_rate: "optim.lr",
  gradient_accumulation_steps: "micro_batches",
  beta1: "optim.beta1",
  weight_decay: "optim.weight_decay",
  grad_clip: "optim.clip",
  warmup_iters: "optim.warmup_steps",
  lr_decay_iters: "optim.decay_steps",
  decay_lr: "optim.schedule",
  min_lr: "optim.min_lr",
  eval_interval: "eval.every",
  eval_iters: "eval.windows",
  eval_only: "deno task eval",
  log_interval: "report.progress_every",
  always_save_checkpoint: "checkpoint.every",
  dropout: "model.dropout",
  bias: "leave it out",
  dtype: "f32",
  compile: "always compiled",
  init_from: "init",
  out_dir: "out",
  dataset: "data.path",
  backend: "leave it out",
  wandb_log: "metrics.jsonl",
  wandb_project: "metrics.jsonl",
  // TrainingArguments, GPT2Config
  output_dir: "out",
  num_train_epochs: "set steps",
  per_device_train_batch_size: "micro_batch_size",
  max_steps: "steps",
  warmup_ratio: "set optim.warmup_steps",
  warmup_steps: "optim.warmup_steps",
  lr_scheduler_type: "optim.schedule",
  adam_beta1: "optim.beta1",
  adam_epsilon: "optim.eps",
  max_grad_norm: "optim.clip",
  save_steps: "checkpoint.every",
  save_total_limit: "checkpoint.keep",
  load_best_model_at_end: "checkpoint.keep_best",
  logging_steps: "report.progress_every",
  eval_steps: "eval.every",
  resume_from_checkpoint: "--resume",
  report_to: "metrics.jsonl",
  fp16: "f32",
  gradient_checkpointing: "deno task plan",
  n_positions: "data.seq_len",
  n_inner: "4 x model.width",
  vocab_size: "data.tokenizer",
  tie_word_embeddings: "model.tie_embeddings",
  hidden_size: "model.width",
  num_hidden_layers: "model.layers",
  resid_pdrop: "model.dropout",
  // llm.c, PyTorch, Keras, TensorFlow.js
  input_bin: "data.path",
  sequence_length: "data.seq_len",
  total_batch_size: "micro_batches and micro_batch_size",
  num_iterations: "steps",
  val_loss_every: "eval.every",
  learning_rate_decay_frac: "optim.min_lr",
  lr: "optim.lr",
  betas: "optim.beta1 and optim.beta2",
  nhead: "model.heads",
  num_key_value_heads: "model.kv_heads",
  sliding_window: "model.attention_window",
  rope_theta: "model.rotary_theta",
  d_model: "model.width",
  num_layers: "model.layers",
  eta_min: "optim.min_lr",
  epochs: "set steps",
  units: "model.width",
  validation_split: "data.validation",
  clipnorm: "optim.clip",
  patience: "checkpoint.keep_best",
  batchSize: "micro_batch_size",
  learningRate: "optim.lr",
};

/** A table with an entry for each name. */
function table<T>(value: T, nameOf = (name: string) => name): Record<string, T> {
  return Object.fromEntries(Object.keys(NAMES).map((name) => [nameOf(name), value]));
}

Deno.test("a name from elsewhere gets a hint wherever it stands", () => {
  const places = {
    "on a command line": () => applyOverrides({}, table("1")),
    "under a section": () => applyOverrides({}, table("1", (name) => `training.${name}`)),
    "in a file": () => resolveConfig(table(1)),
    "in an axis of a sweep": () => readSweep({ name: "s", axes: table([1, 2]) }),
    "in a point of a sweep": () => readSweep({ name: "s", axes: { size: [table(1)] } }),
    "as a derived key": () => {
      readSweep({ name: "s", axes: { seed: [1] }, derived: table({ of: "steps", times: 1 }) });
    },
  };
  for (const [place, work] of Object.entries(places)) {
    const lines = refusal(work).split("; ");
    for (const [name, says] of Object.entries(NAMES)) {
      const line = lines.find((text) => new RegExp(`[ ".]${name}"?: |^${name}: `).test(text));
      assertStringIncludes(line ?? lines.join("\n"), says, `${name} ${place}`);
    }
  }
});

Deno.test("a name from elsewhere in one of our sections gets a hint", () => {
  const cases: Readonly<Record<string, string>> = {
    "model.n_layer": "model.layers",
    "model.num_heads": "model.heads",
    "optim.learning_rate": "optim.lr",
    "data.block_size": "data.seq_len",
    "data.batch_size": "micro_batch_size",
    "checkpoint.save_steps": "checkpoint.every",
  };
  for (const [path, says] of Object.entries(cases)) {
    assertStringIncludes(refusal(() => applyOverrides({}, { [path]: "1" })), `"${says}"?`, path);
    assertStringIncludes(refusal(() => resolveConfig(nested(path, 1))), `"${says}"?`, path);
  }
});

Deno.test("a device of another name gets the one that is meant", () => {
  const said: Readonly<Record<string, string>> = {
    ...Object.fromEntries(
      ["cuda", "cuda:0", "gpu", "GPU", "mps"].map((name) => [name, " (webgpu takes the GPU)"]),
    ),
    quantum: "",
    constructor: "",
  };
  for (const [device, hint] of Object.entries(said)) {
    const ends = {
      "in a config": [() => resolveConfig({ device }), `reference: "${device}"${hint}`],
      "as a flag": [
        () => parseGenerate(["runs/a", `--device=${device}`]),
        `reference: ${device}${hint}`,
      ],
    } as const;
    for (const [place, [work, end]] of Object.entries(ends)) {
      const text = refusal(work);
      assert(text.endsWith(end), `${place}: ${text}`);
    }
  }
});

Deno.test("a section of another name gets a hint", () => {
  for (const [name, section] of [["optimizer", "optim"], ["dataset", "data"], ["modle", "model"]]) {
    const text = refusal(() => resolveConfig({ [name as string]: { lr: 1 } }));
    assertStringIncludes(text, `did you mean "${section}"?`);
  }
});

Deno.test("a word that is near no key gets no key", () => {
  for (
    const word of ["frobnicate", "foo", "quux.bar", "optim.foo", "x", "helloworld", "sparkles"]
  ) {
    for (
      const work of [
        () => applyOverrides({}, { [word]: "1" }),
        () => resolveConfig(nested(word, 1)),
      ]
    ) {
      const text = refusal(work);
      assertStringIncludes(text, "deno task train --help lists the keys", word);
      assert(!text.includes("did you mean"), text);
    }
  }
});

Deno.test("flags with one dash get a hint, but single letters do not", () => {
  const text = (...args: string[]) => refusal(() => parseCommandLine(args));
  assertStringIncludes(
    text("-batch_size=4"),
    "two dashes and the whole name of a key: did you mean --micro_batch_size?",
  );
  for (const letter of "abcdefgijklmnopqrstuvwxyz") {
    for (const words of [[`-${letter}`, "3"], [`-${letter}=3`], [`-${letter}3`]]) {
      const says = text(...words);
      assert(says.endsWith("need two dashes and the whole name of a key"), says);
    }
  }
});

Deno.test("a sweep's command line knows its own flags and the names from elsewhere", () => {
  const said = (flag: string) =>
    refusal(() => {
      const request = parseSweep(["s.json", flag]);
      if (request !== "help") applyOverrides({}, request.overrides);
    });
  assertStringIncludes(said("--paralel=2"), "did you mean --parallel?");
  assertEquals(said("--nonesuch=2"), "Unknown flag --nonesuch: --help lists the flags");
  assertStringIncludes(said("--n_layer=2"), 'did you mean "model.layers"?');
  assertStringIncludes(said("--optim.lrr=2"), 'did you mean "optim.lr"?');
  assertEquals(said("--steps=2"), "");
});

Deno.test("the tables name keys that there are, and each name once", () => {
  const { names, keys: named } = elsewhereTables();
  const all = keys();
  const ours = new Set([...all.map(({ path }) => path), ...sections(all)]);
  assertEquals(named.filter((key) => !ours.has(key)), []);
  assertEquals(names.filter((name, i) => names.indexOf(name) !== i), []);
  // A name of ours is no name from elsewhere.
  const own = new Set(all.map(({ path }) => path.slice(path.lastIndexOf(".") + 1)));
  assertEquals(names.filter((name) => own.has(name)), []);
  assertEquals(names.filter((name) => fromElsewhere(name) === undefined), []);
});

Deno.test("keys named as members of every object are unknown like others", () => {
  for (const name of ["constructor", "toString", "hasOwnProperty", "valueOf", "__proto__"]) {
    const message = refusal(() => {
      const { overrides } = parseCommandLine([`--${name}=1`]);
      resolveConfig(applyOverrides({}, overrides));
    });
    assertStringIncludes(message, `Unknown key "${name}"`);
  }
});
