/** Resolving: defaults, and every fault by its path in one line. */
import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { resolveConfig } from "../../src/config/resolve.ts";

/** The faults that a config is refused for. */
function faults(input: unknown): string[] {
  const refusal = assertThrows(() => resolveConfig(input), UserError);
  assertEquals(refusal.exit, "config");
  assertEquals(refusal.message.includes("\n"), false, refusal.message);
  const intro = "Cannot use this config: ";
  assertEquals(refusal.message.startsWith(intro), true, refusal.message);
  return refusal.message.slice(intro.length).split("; ");
}

Deno.test("resolveConfig() fills in every default", () => {
  const config = resolveConfig({ model: { kind: "gpt", width: 32 }, optim: { lr: 0.01 } });
  const { model } = config;
  assertEquals(model.kind === "gpt" && [model.heads, model.width, config.optim.lr], [4, 32, 0.01]);
  assertEquals([config.name, config.out, config.data.path], ["run", null, null]);
});

Deno.test("resolveConfig() of its own result changes nothing", () => {
  const config = resolveConfig({ steps: 7 });
  assertEquals(resolveConfig(config), config);
  assertEquals(resolveConfig(JSON.parse(JSON.stringify(config))), config);
});

Deno.test("resolveConfig() takes the default model where only its sizes are given", () => {
  assertEquals(resolveConfig({ model: { width: 8 } }).model.kind, "gpt");
});

Deno.test("resolveConfig() names the list or table that holds a fault", () => {
  assertEquals(faults({ data: { mix: { "a.b": 0 } }, report: { prompts: ["a", ""] } }), [
    'data.mix: need table of (number > 0) | null: {"a.b":0}',
    'report.prompts: need list of (string): ["a",""]',
  ]);
});

Deno.test("width transfer is refused with an optimizer that its factors are not for", () => {
  const model = { kind: "gpt", mup_base_width: 32 };
  for (const kind of ["adamw", "lion"]) resolveConfig({ model, optim: { kind } });
  for (const kind of ["sgd", "muon"]) {
    assertEquals(faults({ model, optim: { kind } }), [
      `model.mup_base_width: need null, since its factors are those of Adam, not of ${kind}: 32`,
    ]);
  }
});

Deno.test("resolveConfig() lists all faults by path", () => {
  assertEquals(
    faults({
      steps: 0,
      seed: 1.5,
      device: "cuda",
      out: "",
      optim: { lr: "fast", beta1: 1 },
      model: { kind: "gpt", dropout: -0.1, widht: 3 },
      data: { validation: 0.6, seq_len: null },
      eval: 4,
      optimizer: {},
    }).toSorted(),
    [
      "data.seq_len: need integer >= 1: null",
      "data.validation: need number in (0, 0.5]: 0.6",
      'device.kind: need auto | cpu | webgpu | reference: "cuda" (webgpu takes the GPU)',
      "eval: need an object: 4",
      "model.dropout: need number in [0, 1): -0.1",
      'model.widht: unknown key, did you mean "model.width"?',
      "optim.beta1: need number in [0, 1): 1",
      'optim.lr: need number > 0: "fast"',
      'optimizer: unknown key, did you mean "optim"?',
      'out: need string | null: ""',
      "seed: need integer >= 0: 1.5",
      "steps: need integer >= 1: 0",
    ],
  );
});

Deno.test("resolveConfig() refuses values that are no config at all", () => {
  assertEquals(faults(undefined), ["config: need an object: nothing"]);
  assertEquals(faults([1]), ["config: need an object: [1]"]);
  assertEquals(faults(() => {}), ["config: need an object: a function"]);
  assertEquals(faults({ steps: 5n }), ["steps: need integer >= 1: 5n"]);
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  assertEquals(faults({ steps: cyclic }), [
    "steps: need integer >= 1: an object that has no form in JSON",
  ]);
});

Deno.test("resolveConfig() names the models for an unknown kind", () => {
  const kinds =
    'model.kind: need gpt | llama | moe | encoder | encoder_decoder | recurrent | convnet | char_cnn: "lstm"';
  assertEquals(faults({ model: { kind: "lstm" } }), [kinds]);
});

Deno.test("resolveConfig() does not suggest a key that another kind of model has", () => {
  const fault = (key: string) => [`model.${key}: no key of this kind of model`];
  assertEquals(faults({ model: { cell: "gru" } }), fault("cell"));
  assertEquals(faults({ model: { kind: "recurrent", heads: 2 } }), fault("heads"));
});

Deno.test("resolveConfig() refuses numbers that are none", () => {
  for (const lr of [NaN, Infinity, -0, 0]) {
    assertEquals(faults({ optim: { lr, min_lr: 0 } }), [`optim.lr: need number > 0: ${lr}`]);
  }
  assertEquals(faults({ seed: 2 ** 53 }), [`seed: need integer >= 0: ${2 ** 53}`]);
});

Deno.test("resolveConfig() shortens long values", () => {
  const [fault = ""] = faults({ steps: "x".repeat(500) });
  assertEquals(fault.length < 80, true, fault);
});

Deno.test("resolveConfig() checks keys against each other", () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [{ model: { width: 64, heads: 3 } }, "model.width: need a multiple of heads"],
    [{ model: { kind: "moe", width: 64, heads: 3 } }, "model.width: need a multiple of heads"],
    [
      { model: { kind: "moe", experts: 2, experts_per_token: 3 } },
      "model.experts_per_token: need at most model.experts, 2: 3",
    ],
    [{ model: { kind: "moe", capacity_factor: 0 } }, "model.capacity_factor: need"],
    [{ micro_batches: 6 }, "micro_batches: need a power of two: 6"],
    [{ workers: 8, micro_batches: 4 }, "workers: need at most micro_batches: 8 is above 4"],
    [
      { optim: { warmup_steps: 11, decay_steps: 10 } },
      "optim.warmup_steps: need at most optim.decay_steps",
    ],
    [
      { optim: { lr: 1e-4, min_lr: 3e-4 } },
      "optim.min_lr: need at most optim.lr: 0.0003 is above 0.0001",
    ],
    [{ steps: 2 ** 52 }, "steps: need steps x micro_batches x micro_batch_size below 2^53"],
    [
      { data: { source: "truecase", tokenizer: "byte" } },
      "data.tokenizer: need char for source truecase: byte",
    ],
    [
      { model: { kind: "recurrent" }, data: { source: "direction", bptt: 8 } },
      "data.bptt: need null for source direction, which has no lanes: 8",
    ],
    [{ data: { source: "recall", bptt: 8 } }, "data.bptt: need null for source recall"],
    [{ data: { bptt: 8 } }, "data.bptt: need null for model gpt, which has no state to carry: 8"],
    [
      { model: { kind: "recurrent", bidirectional: true } },
      "model.bidirectional: need false for source text, since a next-token model that reads " +
      "backwards sees the answer: true",
    ],
    [
      { model: { kind: "recurrent", bidirectional: true }, data: { bptt: 8 } },
      "model.bidirectional: need false, since a state that comes from a window's end cannot be " +
      "carried to the next (data.bptt): true",
    ],
    [
      { model: { kind: "recurrent", readout: "mean" } },
      "model.readout: need last for source text, which does not ask for one label of a whole",
    ],
    [
      { model: { kind: "recurrent", readout: "mean" }, data: { source: "truecase" } },
      "model.readout: need last for source truecase",
    ],
    [
      { model: { kind: "gpt", tie_embeddings: true }, data: { source: "recall" } },
      "model.tie_embeddings: need false for source recall, whose targets are no tokens: true",
    ],
    [
      { data: { document_end: "\\n\\n" } },
      "data.document_end: set data.document_mask=true, without which documents are not told " +
      'apart: "\\n\\n"',
    ],
    [
      { model: { kind: "recurrent" }, data: { document_end: "\n" } },
      'data.document_end: set data.bptt, without which documents are not told apart: "\\n"',
    ],
    ...["gpt", "recurrent"].map((kind) =>
      [
        { model: { kind }, data: { source: "recall", document_end: "." } },
        `data.document_end: need null for model ${kind} and source recall, which tell no documents`,
      ] as const
    ),
    [
      { data: { document_mask: true } },
      "data.document_mask: need data.document_end, as '<|endoftext|>': none is set",
    ],
    [{ report: { gradient_reach: true } }, "report.gradient_reach: need a recurrent model"],
    [{ name: "../up" }, "name: need letters, digits"],
    [{ name: ".hidden" }, "name: need letters, digits"],
    [{ name: "" }, "name: need letters, digits"],
  ];
  for (const [input, fault] of cases) {
    const all = faults(input);
    assertEquals(all.length, 1, all.join());
    assertEquals(all[0]?.startsWith(fault), true, all[0]);
  }
});

Deno.test("resolveConfig() accepts the borders of those checks", () => {
  for (const micro_batches of [1, 2, 64, 2 ** 16]) {
    assertEquals(resolveConfig({ micro_batches }).micro_batches, micro_batches);
  }
  resolveConfig({ workers: 4, micro_batches: 4 });
  resolveConfig({ data: { tokenizer: "byte" } });
  resolveConfig({ model: { kind: "gpt", tie_embeddings: true } });
  resolveConfig({ model: { kind: "recurrent" }, data: { bptt: 8 } });
  const both = { kind: "recurrent", bidirectional: true } as const;
  for (const source of ["recall", "truecase", "direction"]) {
    resolveConfig({ model: both, data: { source } });
  }
  resolveConfig({ model: { ...both, readout: "mean" }, data: { source: "direction" } });
  resolveConfig({ optim: { warmup_steps: 10, decay_steps: 10, lr: 3e-4, min_lr: 3e-4 } });
  resolveConfig({ optim: { schedule: "constant", warmup_steps: 5000, lr: 1e-5 } });
});

Deno.test("a key that is not valid gives one fault, without those that follow from it", () => {
  const need = "model.kv_heads: need integer >= 1 | null:";
  assertEquals(faults({ model: { kind: "gpt", kv_heads: 0 } }), [`${need} 0`]);
  assertEquals(faults({ model: { kind: "gpt", kv_heads: -3 } }), [`${need} -3`]);
  assertEquals(faults({ model: { kind: "gpt", heads: -3, kv_heads: 2 } }), [
    "model.heads: need integer >= 1: -3",
  ]);
  assertEquals(faults({ model: { kind: "gpt", mup_base_heads: 0 } }), [
    "model.mup_base_heads: need integer >= 1 | null: 0",
  ]);
  assertEquals(faults({ optim: { lr: -1, min_lr: 1e-4 } }), ["optim.lr: need number > 0: -1"]);
  assertEquals(faults({ data: { seq_len: 0 }, eval: { stride: 4 } }), [
    "data.seq_len: need integer >= 1: 0",
  ]);
  // Faults of other keys stay.
  assertEquals(faults({ model: { kind: "gpt", kv_heads: 3, layers: 0 }, optim: { lr: 0 } }), [
    "model.layers: need integer >= 1: 0",
    "model.kv_heads: need a divisor of heads: kv_heads 3, heads 4",
    "optim.lr: need number > 0: 0",
  ]);
});

Deno.test("a fault in a list of objects says which of them has it", () => {
  const [text = ""] = faults({ optim: { groups: [{ match: "*" }, { frozen: true }] } });
  assertEquals(text.startsWith("optim.groups: need list of ({ match: string, "), true, text);
  assertEquals(text.endsWith(", where 1.match is nothing"), true, text);
});
