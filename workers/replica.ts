/**
 * One copy of the model on one device: parameters, moments and the loaded plans. It computes
 * what it is told and knows no process, no channel and no other replica.
 */
import type { RunConfig } from "../src/config/schema.ts";
import { evalBatches, gather, gatherPadded, trainWindows } from "../src/data/batch.ts";
import { windowCount } from "../src/data/windows.ts";
import { fold, foldName, rootKey, threefry, unit } from "../src/base/random.ts";
import type { Key } from "../src/base/random.ts";
import type { Device, Memory, Program, Stretch } from "../src/device/types.ts";
import { initialValues, RANDOM_KEY } from "../src/nn/scope.ts";
import { optimizerOf } from "../src/optim/mod.ts";
import { GRAD_NORM } from "../src/optim/update.ts";
import { LOSS, pieceSlot, placeIn } from "../src/plan/layout.ts";
import type { Layout } from "../src/plan/layout.ts";
import type { Node } from "../src/reduce/tree.ts";
import {
  evaluationPlan,
  gradientPlan,
  samplingPlan,
  shapeOf,
  sizesOf,
  treeAddPlan,
  treeVector,
  updatePlan,
} from "./plans.ts";
import type { Shape } from "./plans.ts";

/** Tokens of both parts, and the size of their vocabulary. */
export interface Corpus {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  readonly vocabulary: number;
}

/** Loss sum and counted tokens of one evaluation batch. */
export interface BatchLoss {
  readonly batch: number;
  readonly loss: number;
  readonly tokens: number;
}

/** Names of the random streams of a run; each has a key of its own. */
const STREAM = { init: "init", order: "order", dropout: "dropout", sample: "sample" } as const;

/** A model on a device. */
export class Replica {
  readonly layout: Layout;
  readonly #config: RunConfig;
  readonly #corpus: Corpus;
  readonly #device: Device;
  readonly #memory: Memory;
  readonly #shape: Shape;
  readonly #key: Key;
  readonly #windows: number;
  #gradient: Program | undefined;
  #update: Program | undefined;
  #adds: readonly Program[] = [];
  #evaluation: Program | undefined;
  #sampling: Program | undefined;

  constructor(device: Device, { config, corpus }: { config: RunConfig; corpus: Corpus }) {
    this.#device = device;
    this.#config = config;
    this.#corpus = corpus;
    this.#memory = device.memory();
    this.#shape = shapeOf(config, corpus.vocabulary);
    this.layout = this.#shape.layout;
    this.#key = rootKey(config.seed);
    const { window, stride } = config.data;
    this.#windows = windowCount(corpus.train.length, window, stride);
  }

  /** Vectors that make up the state, in the order in which checkpoints hold them. */
  get vectors(): readonly string[] {
    return ["param", ...optimizerOf(this.#config.optim).moments];
  }

  /** Trainable elements. */
  get parameters(): number {
    return this.#shape.params.reduce((n, { shape }) => n + shape.reduce((a, b) => a * b, 1), 0);
  }

  /** Loads the plans of a training step, and writes the seed's first parameters. */
  async open(): Promise<void> {
    const { layout } = this;
    const levels = Math.log2(this.#config.micro_batches);
    const kept = Array.from({ length: levels }, (_, level) => treeVector(level));
    for (const vector of [...this.vectors, "grad", ...kept]) {
      for (const [slot, size] of Object.entries(sizesOf(layout, vector))) {
        this.#memory.ensure(slot, size);
      }
    }
    this.#gradient = await this.#load(gradientPlan(this.#config, this.#corpus.vocabulary, layout));
    this.#update = await this.#load(updatePlan(this.#config, layout));
    this.#adds = await Promise.all(kept.map((_, level) => this.#load(treeAddPlan(layout, level))));
    const key = foldName(this.#key, STREAM.init);
    for (const param of this.#shape.params) {
      const { slot, offset } = placeIn(layout, "param", param.name);
      this.#memory.write(slot, initialValues(key, param), offset);
    }
  }

  /** Replaces one piece of a vector. */
  write(vector: string, piece: number, data: Float32Array): void {
    this.#memory.write(pieceSlot(vector, piece), data);
  }

  /** Elements [start, start + length) of a piece of a vector. */
  read(
    vector: string,
    piece: number,
    { offset, length }: Omit<Stretch, "slot">,
  ): Promise<Float32Array> {
    return this.#memory.read([{ slot: pieceSlot(vector, piece), offset, length }]);
  }

  /** Computes the subtree `node` of a step; its sum is left in the gradient vector. */
  accumulate(step: number, node: Node): void {
    const count = 2 ** node.level;
    for (let i = 0; i < count; i++) {
      this.#microBatch(step, node.index * count + i);
      let level = 0;
      for (; (i >> level) & 1; level++) this.#adds[level]?.run();
      if (i + 1 < count) this.#keep(level);
    }
  }

  /** The gradient vector, its pieces one behind the other. */
  gradient(): Promise<Float32Array> {
    return this.#memory.read(this.layout.pieces.map((length, piece) => ({
      slot: pieceSlot("grad", piece),
      offset: 0,
      length,
    })));
  }

  /** Replaces the gradient vector. */
  setGradient(flat: Float32Array): void {
    let at = 0;
    this.layout.pieces.forEach((length, piece) => {
      this.#memory.write(pieceSlot("grad", piece), flat.subarray(at, at + length));
      at += length;
    });
  }

  /** Updates parameters and moments from the gradient vector. */
  update(step: number): void {
    const optimizer = optimizerOf(this.#config.optim);
    for (const [name, value] of Object.entries(optimizer.at(step, this.#config.optim))) {
      this.#memory.write(name, Float32Array.of(value));
    }
    this.#program(this.#update).run();
  }

  /** Mean loss and gradient norm of the step that was updated last. */
  async stats(): Promise<{ loss: number; norm: number }> {
    const { slot, offset } = placeIn(this.layout, "grad", LOSS);
    const values = await this.#memory.read([
      { slot, offset, length: 1 },
      { slot: GRAD_NORM, offset: 0, length: 1 },
    ]);
    return { loss: values[0] as number, norm: values[1] as number };
  }

  /** Losses of the evaluation batches whose number is `rank` modulo `world`. */
  async evaluate(rank: number, world: number): Promise<BatchLoss[]> {
    const { data: { window }, windows, eval: { windows: limit } } = this.#config;
    const { validation, vocabulary } = this.#corpus;
    this.#evaluation ??= await this.#load(evaluationPlan(this.#config, vocabulary, this.layout));
    const batches = evalBatches(validation.length, { window, windows, limit });
    const losses: BatchLoss[] = [];
    for (let batch = rank; batch < batches.length; batch += world) {
      const starts = batches[batch] as Uint32Array;
      const { inputs, targets, counted } = gatherPadded(validation, starts, { window, windows });
      this.#memory.write("inputs", inputs);
      this.#memory.write("targets", targets);
      this.#evaluation.run();
      const [loss] = await this.#memory.read([{ slot: "eval_loss", offset: 0, length: 1 }]);
      losses.push({ batch, loss: loss as number, tokens: counted });
    }
    return losses;
  }

  /** Continues `prompt` by `length` tokens, drawn at `temperature`. */
  async sample(
    prompt: readonly number[],
    { length, temperature }: { length: number; temperature: number },
  ): Promise<number[]> {
    const { window } = this.#config.data;
    const { vocabulary } = this.#corpus;
    this.#sampling ??= await this.#load(samplingPlan(this.#config, vocabulary, this.layout));
    const key = foldName(this.#key, STREAM.sample);
    const tokens = [...prompt];
    for (let i = 0; i < length; i++) {
      const context = tokens.slice(-window);
      const inputs = new Uint32Array(window);
      inputs.set(context);
      this.#memory.write("sampling/inputs", inputs);
      this.#sampling.run();
      const offset = (context.length - 1) * vocabulary;
      const logits = await this.#memory.read([{ slot: "logits", offset, length: vocabulary }]);
      tokens.push(draw(logits, { temperature, u: unit(threefry(key, i, 0)[0]) }));
    }
    return tokens.slice(prompt.length);
  }

  #microBatch(step: number, index: number): void {
    const { micro_batches, windows, data: { window, stride } } = this.#config;
    const numbers = trainWindows(foldName(this.#key, STREAM.order), {
      step,
      microBatch: index,
      microBatches: micro_batches,
      windows,
      count: this.#windows,
    });
    const { inputs, targets } = gather(this.#corpus.train, numbers.map((n) => n * stride), window);
    this.#memory.write("inputs", inputs);
    this.#memory.write("targets", targets);
    if (this.#random) {
      const key = fold(fold(foldName(this.#key, STREAM.dropout), step), index);
      this.#memory.write(RANDOM_KEY, Uint32Array.from(key));
    }
    this.#program(this.#gradient).run();
  }

  /** Sets the gradient aside as the finished subtree of a level. */
  #keep(level: number): void {
    this.layout.pieces.forEach((length, piece) => {
      this.#memory.copy(pieceSlot("grad", piece), pieceSlot(treeVector(level), piece), length);
    });
  }

  #program(program: Program | undefined): Program {
    if (program === undefined) throw new Error("Cannot run: the replica was not opened");
    return program;
  }

  #random = false;

  #load(plan: Parameters<Device["load"]>[0]): Promise<Program> {
    if (plan.slots.some((slot) => slot.name === RANDOM_KEY)) this.#random = true;
    return this.#device.load(plan, this.#memory);
  }
}

/** A token from logits: the softmax at `temperature` (> 0), cut at the uniform number `u`. */
export function draw(
  logits: Float32Array,
  { temperature, u }: { temperature: number; u: number },
): number {
  const top = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = Array.from(logits, (x) => Math.exp((x - top) / temperature));
  const total = weights.reduce((a, b) => a + b, 0);
  let rest = u * total;
  const at = weights.findIndex((w) => (rest -= w) < 0);
  return at < 0 ? weights.length - 1 : at;
}
