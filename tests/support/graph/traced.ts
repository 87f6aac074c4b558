/** Runs a traced graph alone, with random parameters and one random batch, on any device. */
import { rootKey, uniforms } from "../../../src/base/random.ts";
import { sizeOf } from "../../../src/base/shape.ts";
import { someValues } from "../../../src/testing/some_values.ts";
import type { RunConfig } from "../../../src/config/schema.ts";
import { taskOf } from "../../../src/data/sources/mod.ts";
import { ArrayMemory } from "../../../src/device/reference.ts";
import type { Device, Memory, Program } from "../../../src/device/types.ts";
import { SHARE } from "../../../src/engine/plans.ts";
import type { Graph } from "../../../src/graph/types.ts";
import type { Param } from "../../../src/nn/scope.ts";
import { RANDOM_KEY } from "../../../src/nn/scope.ts";
import { compile } from "../../../src/plan/compile.ts";
import { randomTokens } from "../gpt.ts";

/** A loaded graph, its sources written. Every result lies in the slot of its name. */
export interface Loaded {
  readonly memory: Memory;
  readonly program: Program;
}

/** Compiles and loads `graph`, and writes parameters, batch and random key. */
export async function loadGraph(
  device: Device,
  graph: Graph,
  { params, config, vocabulary, fuse = true, memory = device.memory() }: {
    params: readonly Param[];
    config: RunConfig;
    vocabulary: number;
    fuse?: boolean;
    memory?: Memory;
  },
): Promise<Loaded> {
  const program = await device.load(compile(graph, { fuse }), memory);
  const { time, classes, targetKind, tensors } = taskOf(config.data, vocabulary);
  const count = config.micro_batch_size * time;
  const tokens = randomTokens(count + 1, vocabulary);
  const answers = tokens.slice(1).map((t) => t % classes);
  for (const param of params) {
    memory.ensure(param.name, sizeOf(param.shape));
    memory.write(param.name, someValues(param));
  }
  const targets = answers.subarray(
    0,
    targetKind === "sequence_class" ? config.micro_batch_size : count,
  );
  memory.ensure("tokens", count);
  memory.ensure("targets", targets.length);
  memory.write("tokens", tokens.subarray(0, -1));
  memory.write("targets", targets);
  if ("source" in tensors) {
    memory.ensure("source", count);
    memory.write("source", randomTokens(count + 7, vocabulary).subarray(7));
    memory.ensure("source_lengths", config.micro_batch_size);
    const lengths = Array.from({ length: config.micro_batch_size }, (_, row) => time - row % time);
    memory.write("source_lengths", Uint32Array.from(lengths));
    memory.ensure(SHARE, 1);
    memory.write(SHARE, Float32Array.of(1 / (config.micro_batches * count)));
  }
  for (const [name, { shape, dtype }] of Object.entries(tensors)) {
    if (dtype !== "f32") continue;
    const count = config.micro_batch_size * sizeOf(shape);
    memory.ensure(name, count);
    memory.write(name, uniforms(rootKey(43), count, [0, 1]));
  }
  memory.ensure(RANDOM_KEY, 2);
  memory.write(RANDOM_KEY, Uint32Array.from(rootKey(41)));
  return { memory, program };
}

/** Runs a loaded graph once and gives its results, in f64 where the device has it. */
export async function resultsOf(
  { memory, program }: Loaded,
  graph: Graph,
): Promise<Readonly<Record<string, Float64Array>>> {
  program.run();
  const values: Record<string, Float64Array> = {};
  for (const [name, { shape }] of Object.entries(graph.results)) {
    const length = sizeOf(shape);
    values[name] = Float64Array.from(
      memory instanceof ArrayMemory
        ? memory.floats(name).subarray(0, length)
        : await memory.read([{ slot: name, offset: 0, length }]),
    );
  }
  return values;
}

/** The largest difference of two results, as a share of the largest value. */
export function distance(a: Float64Array, b: Float64Array): number {
  const largest = b.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  const off = a.reduce((m, v, i) => Math.max(m, Math.abs(v - (b[i] as number))), 0);
  return largest === 0 ? off : off / largest;
}
