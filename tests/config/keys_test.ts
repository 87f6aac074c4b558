/** The keys that a run accepts. Renaming one breaks people's commands: do it on purpose. */
import { assertEquals } from "@std/assert";
import { keys, keysOf, sections, showDefault } from "../../src/config/keys.ts";

const FROZEN = [
  "name string = run",
  "seed integer >= 0 = 1337",
  "steps integer >= 1 = 1000",
  "workers integer >= 1 = 1",
  "device.kind auto | cpu | webgpu | reference = auto",
  "device.checks boolean = false",
  "exchange.way sockets | file | mmap = file",
  "exchange.overlap auto | on | off = auto",
  "gpus string | null = null",
  "out string | null = null",
  "init string | null = null",
  "micro_batches integer >= 1 = 4",
  "micro_batch_size integer >= 1 = 8",
  "eval.every integer >= 0 = 200",
  "eval.windows integer >= 0 = 128",
  "eval.stride integer >= 1 | null = null",
  "model.kind gpt | llama | moe | encoder | encoder_decoder | recurrent | convnet | char_cnn = gpt",
  "model.layers integer >= 1 = 2",
  "model.width integer >= 1 = 64",
  "model.heads integer >= 1 = 4",
  "model.kv_heads integer >= 1 | null = null",
  "model.attention_window integer >= 1 | null = null",
  "model.dropout number in [0, 1) = 0",
  "model.positions learned | sinusoidal | rotary | alibi | none = learned",
  "model.rotary_theta number > 1 = 10000",
  "model.tie_embeddings boolean = false",
  "model.mup_base_width integer >= 1 | null = null",
  "model.mup_base_heads integer >= 1 | null = null",
  "model.head_width integer >= 1 | null = null",
  "model.mlp_width integer >= 1 | null = null",
  "model.rotary_scaling { kind: linear, factor: number > 0 } | { kind: llama3, factor: number > 0, " +
  "low_freq_factor: number > 0, high_freq_factor: number > 0, context: number > 0 } | " +
  "{ kind: yarn, factor: number > 0, context: number > 0, beta_fast?: number > 0, " +
  "beta_slow?: number > 0, attention_factor?: number > 0 | null } | null = null",
  "model.qk_norm boolean = false",
  "model.norm_eps number > 0 = 0.00001",
  "model.experts integer >= 1 = 8",
  "model.experts_per_token integer >= 1 = 2",
  "model.capacity_factor number > 0 | null = null",
  "model.balance_weight number >= 0 = 0.01",
  "model.z_weight number >= 0 = 0.001",
  "model.activation gelu | gelu_erf | relu | silu = gelu_erf",
  "model.segments integer >= 1 = 2",
  "model.decoder_layers integer >= 1 | null = null",
  "model.label_smoothing number in [0, 1) = 0.1",
  "model.cell rnn_tanh | rnn_relu | lstm | gru | gru_before = lstm",
  "model.shared_dropout boolean = false",
  "model.bidirectional boolean = false",
  "model.memory number >= 1 | null = null",
  "model.readout last | mean = last",
  "model.channels list of (integer >= 1) = [6,16]",
  "model.kernel integer >= 1 = 5",
  "model.padding integer >= 0 | null = null",
  "model.pool integer >= 1 = 2",
  "model.dense list of (integer >= 1) = [120,84]",
  "model.kernels list of (integer >= 1) = [3,4,5]",
  "model.filters integer >= 1 = 64",
  "data.source text | recall | truecase | direction | masked | pairs | images = text",
  "data.path string | null = null",
  "data.mix table of (number > 0) | null = null",
  "data.tokenizer string | null = null",
  "data.seq_len integer >= 1 = 64",
  "data.stride integer >= 1 | null = null",
  "data.bptt integer >= 1 | null = null",
  "data.document_end string | null = null",
  "data.document_mask boolean = false",
  "data.max_unknown number in [0, 1] = 0.05",
  "data.gap integer >= 0 = 30",
  "data.names integer >= 2 = 8",
  "data.fillers integer >= 1 = 8",
  "data.mask_share number in (0, 1) = 0.15",
  "data.image_height integer >= 1 = 28",
  "data.image_width integer >= 1 = 28",
  "data.image_classes integer in [2, 256] = 10",
  "data.validation number in (0, 0.5] = 0.1",
  "optim.kind adamw | sgd | lion | muon = adamw",
  "optim.lr number > 0 = 0.003",
  "optim.beta1 number in [0, 1) = 0.9",
  "optim.beta2 number in [0, 1) = 0.99",
  "optim.eps number > 0 = 1e-8",
  "optim.weight_decay number >= 0 = 0.1",
  "optim.clip number >= 0 = 1",
  "optim.schedule cosine | linear | constant | wsd | inverse_sqrt = cosine",
  "optim.warmup_steps integer >= 0 = 50",
  "optim.decay_steps integer >= 1 = 1000",
  "optim.decay_share number in (0, 1] = 0.2",
  "optim.min_lr number >= 0 | null = null",
  "optim.groups list of ({ match: string, lr_scale?: number >= 0, weight_decay?: number >= 0, " +
  "frozen?: boolean }) = []",
  "optim.momentum number in [0, 1) = 0.9",
  "optim.nesterov boolean = false",
  "optim.adamw_lr number > 0 = 0.003",
  "checkpoint.every integer >= 0 = 100",
  "checkpoint.keep integer >= 1 = 2",
  "checkpoint.keep_best boolean = true",
  "checkpoint.keep_every integer >= 0 = 0",
  "checkpoint.at list of (integer >= 1) = []",
  "guard.policy halt | skip | rollback = halt",
  "guard.max_skips integer >= 0 = 10",
  "guard.rollback_steps integer >= 1 = 1",
  "guard.spike number >= 0 = 8",
  "guard.hash_every integer >= 0 = 100",
  "recovery.restarts integer >= 0 = 10",
  "recovery.window_s number > 0 = 600",
  "recovery.deadline_s number > 0 = 5",
  "recovery.grace_s number > 0 = 60",
  "report.gradient_reach boolean = false",
  "report.progress_every integer >= 1 = 10",
  "report.prompts list of (string) = []",
  "report.sample_every integer >= 0 = 0",
  "report.sample_length integer >= 0 = 300",
  "report.sample_temperature number > 0 = 0.8",
];

Deno.test("keys() of a run are the frozen ones", () => {
  assertEquals(keys().map((key) => `${key.path} ${key.need} = ${showDefault(key)}`), FROZEN);
});

Deno.test("keys() all have a description of one sentence without a full stop", () => {
  for (const { path, description } of keys()) {
    assertEquals(/^[A-Z].{5,}[^.]$/.test(description), true, `${path}: ${description}`);
  }
});

Deno.test("keysOf() merges the kinds of a union", () => {
  const kind = (name: string) => ({ const: name, type: "string" } as const);
  const all = keysOf({
    type: "object",
    properties: {
      model: {
        default: { kind: "b" },
        oneOf: [
          {
            properties: {
              kind: kind("a"),
              width: { type: "integer", default: 3, description: "First" },
            },
          },
          {
            properties: {
              kind: kind("b"),
              width: { type: "integer", default: 4, minimum: 1 },
              depth: { type: "number", maximum: 2 },
            },
          },
        ],
      },
    },
  });
  assertEquals(all.map((key) => [key.path, key.need, key.default, key.description]), [
    ["model.kind", "a | b", "b", ""],
    ["model.width", "integer | integer >= 1", 3, "First"],
    ["model.depth", "number <= 2", undefined, ""],
  ]);
});

Deno.test("keysOf() gives the basic types of a leaf, and leaves out the bounds of safe integers", () => {
  const all = keysOf({
    properties: {
      a: { anyOf: [{ type: "number" }, { type: "null" }] },
      b: { type: "boolean" },
      c: { type: "string", enum: ["x"] },
      d: { type: "integer", minimum: -Number.MAX_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
    },
  });
  assertEquals(all.map(({ types, need }) => [types, need]), [
    [["number", "null"], "number | null"],
    [["boolean"], "boolean"],
    [["string"], "x"],
    [["integer"], "integer"],
  ]);
});

Deno.test("sections() lists what holds keys, once", () => {
  assertEquals(sections(keys()), [
    "device",
    "exchange",
    "eval",
    "model",
    "data",
    "optim",
    "checkpoint",
    "guard",
    "recovery",
    "report",
  ]);
});
