/**
 * Small convolutional networks with fixed parameters. As a program it exports each of them to a
 * folder, for tests/golden/convolution/make_torch_models.py: deno run -A tests/exchange/convolutions.ts
 * OUT
 */
import { foldName, rootKey, uniforms } from "../../src/base/random.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { writeExported } from "../../src/artifacts/exported.ts";
import type { NamedTensor } from "../../src/checkpoint/tensors/tensor.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunConfig, RunInput } from "../../src/config/schema.ts";
import { taskOf } from "../../src/data/sources/mod.ts";
import { traceGradient } from "../../src/engine/plans.ts";
import type { Portable } from "../../src/exchange/types.ts";
import type { ModelConfig } from "../../src/models/mod.ts";

/** Distinct tokens. */
export const VOCABULARY = 9;

/** The networks that are compared with PyTorch, gradients included. */
export const CONVOLUTIONS: Readonly<Record<string, Pick<RunInput, "model" | "data">>> = {
  lenet: {
    model: { kind: "convnet", channels: [3, 4], kernel: 3, dense: [6, 5] },
    data: { source: "images", image_height: 10, image_width: 9, image_classes: 3 },
  },
  lenet_flat: {
    model: { kind: "convnet", channels: [2], kernel: 4, padding: 1, pool: 1, dense: [] },
    data: { source: "images", image_height: 5, image_width: 6, image_classes: 4 },
  },
  char_cnn: {
    model: { kind: "char_cnn", width: 5, kernels: [1, 2, 4], filters: 3 },
    data: { source: "direction", seq_len: 7 },
  },
};

/** The complete config of a network, with one micro-batch of 3 samples. */
export function convolutionConfig(name: string): RunConfig {
  return resolveConfig({ micro_batches: 1, micro_batch_size: 3, ...CONVOLUTIONS[name] });
}

/** A network with parameters that are a function of their names. */
export function convolutionOf(config: RunConfig): Portable<ModelConfig> {
  const { model, data } = config;
  const task = taskOf(data, VOCABULARY);
  const { params } = traceGradient(config, VOCABULARY);
  const valued = params.map(({ name, shape }): [string, NamedTensor] => {
    const values = uniforms(foldName(rootKey(31), name), sizeOf(shape), [-0.5, 0.5]);
    return [name, { name, shape, data: values }];
  });
  const { time: context, vocabulary, classes, targetKind } = task;
  return { model, context, vocabulary, classes, targetKind, params: new Map(valued) };
}

if (import.meta.main) {
  for (const name of Object.keys(CONVOLUTIONS)) {
    const portable = convolutionOf(convolutionConfig(name));
    await writeExported(`${Deno.args[0]}/${name}`, { ...portable, step: 0, tokenizer: undefined });
  }
}
