/** A model must be able to overfit one batch. */
import { assertGreater, assertLess } from "@std/assert";
import { openWebGpu } from "../../src/device/webgpu.ts";
import { Replica } from "../../src/engine/replica.ts";
import { randomTokens, tinyConfig } from "../support/gpt.ts";
import { corpusIn } from "../../src/corpus/corpus.ts";
import { onGpu } from "../support/gpu.ts";

Deno.test(onGpu("one batch of random tokens is overfitted on the GPU"), async () => {
  const vocabulary = 11;
  const config = tinyConfig({
    micro_batches: 1,
    micro_batch_size: 4,
    window: 16,
    stride: 16,
    model: { layers: 2, width: 32, heads: 4 },
    optim: { lr: 1e-2, min_lr: 1e-3, warmup_steps: 10, decay_steps: 200, weight_decay: 0 },
  });
  // Exactly the four windows of a batch.
  const train = randomTokens(4 * 16 + 1, vocabulary);
  const device = await openWebGpu({ runtime: Deno.version.deno });
  const corpus = corpusIn({ train, validation: train, vocabulary });
  const replica = new Replica(device, { config, corpus });
  await replica.open();
  const losses: number[] = [];
  for (let step = 0; step < 200; step++) {
    replica.accumulate(step, { level: 0, index: 0 });
    replica.update(step);
    if (step % 50 === 0 || step === 199) losses.push((await replica.inspect()).loss);
  }
  device.close();
  assertGreater(losses[0] as number, 2);
  assertLess(losses.at(-1) as number, 0.1, `losses every 50 steps: ${losses}`);
});
