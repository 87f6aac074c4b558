/**
 * The whole product as a tour, without a GPU and without processes: a config, a text, a model, its
 * plan, a device, a few steps, two workers, a checkpoint, and the same bits after a resume.
 */
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { hashValue } from "../src/base/hash.ts";
import { saveCheckpoint } from "../src/checkpoint/commit.ts";
import { loadNewest } from "../src/checkpoint/load.ts";
import type { Checkpoint } from "../src/checkpoint/verify.ts";
import { configHash } from "../src/config/identity.ts";
import { resolveConfig } from "../src/config/resolve.ts";
import { charTokenizer } from "../src/data/tokenizers/char.ts";
import { split } from "../src/data/windows.ts";
import { openReference } from "../src/device/reference.ts";
import { showPlan } from "../src/plan/show.ts";
import { coordinate } from "../workers/coordinator/coordinator.ts";
import { gradientPlan, shapeOf, traceGradient } from "../src/engine/plans.ts";
import { Replica } from "../src/engine/replica.ts";
import type { NamedState } from "../src/engine/state.ts";
import { memoryLaunch } from "./support/worker_processes.ts";
import { corpusIn } from "../src/corpus/corpus.ts";

const TEXT = "Call me Ishmael. Some years ago, never mind how long precisely.\n".repeat(20);

// A run is one plain value. What it leaves out takes its default.
const config = resolveConfig({
  steps: 12,
  micro_batches: 4,
  micro_batch_size: 1,
  model: { kind: "gpt", layers: 1, width: 16, heads: 2, dropout: 0.1 },
  data: { seq_len: 12, stride: 4 },
  optim: { lr: 2e-2, min_lr: 2e-3, warmup_steps: 2, decay_steps: 12 },
  checkpoint: { every: 6 },
  eval: { every: 0, windows: 6 },
  report: { sample_length: 12 },
});

// A text becomes tokens, and its end is kept for evaluation.
const tokenizer = charTokenizer(TEXT);
const parts = split(tokenizer.encode(TEXT), config.data);
const corpus = corpusIn({ ...parts, vocabulary: tokenizer.size, tokenizer });

Deno.test("a model is traced once, and its backward pass is derived", () => {
  const { graph, params } = traceGradient(config, corpus.vocabulary);
  // One gradient for each parameter, and the loss.
  assertEquals(Object.keys(graph.results).length, params.length + 1);
  const forward = graph.calls.findIndex(({ op }) => op.name === "cross_entropy_backward");
  assertGreater(forward, 0);
  assertLess(forward, graph.calls.length - 1);
});

Deno.test("a graph becomes a plan: fewer calls, every one with its addresses", () => {
  const { layout } = shapeOf(config, corpus.vocabulary);
  const plan = gradientPlan(config, corpus.vocabulary, layout);
  const { graph } = traceGradient(config, corpus.vocabulary);
  assertLess(plan.calls.length, graph.calls.length);
  assertLess(plan.pooled.bytes, plan.pooled.tensorBytes);
  assertEquals(showPlan(plan).split("\n").length, plan.calls.length + 1);
});

Deno.test("a replica on a device learns, step by step", async () => {
  const replica = new Replica(openReference(), { config, corpus });
  await replica.open();
  const losses: number[] = [];
  for (let step = 0; step < config.steps; step++) {
    // All four micro-batches: the node at level 2 of the gradient's tree.
    replica.accumulate(step, { level: 2, index: 0 });
    replica.update(step);
    losses.push((await replica.inspect()).loss);
  }
  assertLess(Math.abs((losses[0] as number) - Math.log(corpus.vocabulary)), 0.2);
  assertLess(losses.at(-1) as number, (losses[0] as number) - 0.3);
});

/** Trains `config` with `world` workers in this process; saves below `root`. */
async function run({ world, root, from }: { world: number; root: string; from?: Checkpoint }) {
  const { launch } = memoryLaunch(() => Promise.resolve(openReference()));
  const lines: string[] = [];
  const outcome = await coordinate({
    config: { ...config, workers: world },
    corpus,
    launch,
    from,
    report: (event) => {
      if (event.type === "step") lines.push(`step ${event.step}: loss ${event.loss}`);
      if (event.type === "sample") lines.push(`sample: ${event.text}`);
    },
    save: (state, { step, adapter }) => save(root, { state, step, adapter }),
    now: () => performance.now() / 1000,
  });
  return { outcome, lines };
}

/** Publishes a checkpoint; gives the hash of its state. */
async function save(
  root: string,
  { state, step, adapter }: { state: NamedState; step: number; adapter: string },
): Promise<string> {
  const { manifest } = await saveCheckpoint(root, {
    ...state,
    manifest: {
      step,
      tokens: step * config.micro_batches * config.micro_batch_size * config.data.seq_len,
      workers: 1,
      microBatches: config.micro_batches,
      seed: config.seed,
      config,
      configHash: configHash(config),
      dataHash: hashValue(TEXT),
      tokenizer: tokenizer.toJSON(),
      adapter,
      deno: Deno.version.deno,
      position: { window: step * config.micro_batches * config.micro_batch_size },
    },
  });
  return manifest.stateHash;
}

Deno.test("two workers, three workers and a resumed run end with the same bits", async () => {
  const root = await Deno.makeTempDir({ prefix: "shoal-tiny-" });
  try {
    const two = await run({ world: 2, root });
    assertEquals(two.lines.length, config.steps + 1);
    assert(Number.isFinite(two.outcome.valLoss));

    // The last checkpoint is lost: the run goes on from the one before, with three workers.
    await Deno.remove(`${root}/step-00000012`, { recursive: true });
    const from = await loadNewest(root, { onSkip: (path) => assertEquals(path, "none") });
    assertEquals(from.manifest.step, 6);
    const three = await run({ world: 3, root, from });

    assertEquals(three.lines, two.lines.slice(6));
    assertEquals(three.outcome.stateHash, two.outcome.stateHash);
    assertEquals(three.outcome.valLoss, two.outcome.valLoss);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
