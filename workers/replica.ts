/**
 * One copy of the model on one device: parameters, moments and the loaded plans. It computes
 * what it is told and knows no process, no channel and no other replica.
 */
import type { RunConfig } from "../src/config/schema.ts";
import { IGNORE } from "../src/base/ignore.ts";
import type { Batch, Source } from "../src/data/source.ts";
import { sourceOf, taskOf } from "../src/data/sources/mod.ts";
import type { Tokenizer } from "../src/data/tokenizer.ts";
import { sizeOf } from "../src/base/shape.ts";
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
  CARRIED,
  EVAL,
  evaluationPlan,
  gradientPlan,
  REACH,
  reachPlan,
  samplingPlan,
  shapeOf,
  SHARE,
  sizesOf,
  treeAddPlan,
  treeVector,
  updatePlan,
} from "./plans.ts";
import type { Shape } from "./plans.ts";
import { draw } from "./draw.ts";
import { normsBack } from "./reach.ts";

/** Tokens of both parts of the text; both are empty for a source that reads none. */
export interface Corpus {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  /** Distinct tokens of the text, 0 where none is read. */
  readonly vocabulary: number;
  readonly tokenizer?: Tokenizer | undefined;
}

/** What came of one evaluation sequence. */
export interface SequenceLoss {
  readonly sequence: number;
  /** Sum of the losses, targets counted, targets met. */
  readonly loss: number;
  readonly counted: number;
  readonly correct: number;
}

/** Names of the random streams of a run; each has a key of its own. */
const STREAM = { init: "init", order: "order", dropout: "dropout", sample: "sample" } as const;

/** A model on a device. */
export class Replica {
  readonly layout: Layout;
  /** States that each micro-batch carries from step to step: names, and elements. */
  readonly carries: readonly { readonly name: string; readonly size: number }[];
  readonly #config: RunConfig;
  readonly #corpus: Corpus;
  readonly #device: Device;
  readonly #memory: Memory;
  readonly #shape: Shape;
  readonly #key: Key;
  readonly #source: Source;
  #gradient: Program | undefined;
  #update: Program | undefined;
  #adds: readonly Program[] = [];
  #evaluation: Program | undefined;
  #sampling: Program | undefined;
  #reach: Program | undefined;

  constructor(device: Device, { config, corpus }: { config: RunConfig; corpus: Corpus }) {
    this.#device = device;
    this.#config = config;
    this.#corpus = corpus;
    this.#memory = device.memory();
    this.#shape = shapeOf(config, corpus.vocabulary);
    this.layout = this.#shape.layout;
    this.carries = this.#shape.carries.map(({ name, tensor }) => ({
      name,
      size: sizeOf(tensor.shape),
    }));
    this.#key = rootKey(config.seed);
    this.#source = sourceOf(config.data, {
      ...corpus,
      key: foldName(this.#key, STREAM.order),
      microBatches: config.micro_batches,
      windows: config.windows,
      evalWindows: config.eval.windows,
    });
  }

  /** Vectors that make up the state, in the order in which checkpoints hold them. */
  get vectors(): readonly string[] {
    return ["param", ...optimizerOf(this.#config.optim).moments];
  }

  /** Trainable elements. */
  get parameters(): number {
    return this.#shape.params.reduce((n, { shape }) => n + sizeOf(shape), 0);
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
    for (const { name, size } of this.carries) {
      this.#memory.ensure(name, size);
      for (let i = 0; i < this.#config.micro_batches; i++) {
        this.#memory.ensure(laneSlot(i, name), size);
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

  /** Losses of the evaluation sequences whose number is `rank` modulo `world`. */
  async evaluate(rank: number, world: number): Promise<SequenceLoss[]> {
    const { vocabulary } = this.#corpus;
    this.#evaluation ??= await this.#load(evaluationPlan(this.#config, vocabulary, this.layout));
    const losses: SequenceLoss[] = [];
    for (let sequence = rank; sequence < this.#source.sequences; sequence += world) {
      let total = { sequence, loss: 0, counted: 0, correct: 0 };
      for (const batch of this.#source.evaluation(sequence)) {
        this.#writeBatch(batch);
        this.#bringStates(batch, (name) => CARRIED + name);
        this.#evaluation.run();
        const slots = [EVAL.loss, EVAL.correct];
        const [loss = NaN, correct = NaN] = await this.#memory.read(
          slots.map((slot) => ({ slot, offset: 0, length: 1 })),
        );
        total = {
          sequence,
          loss: total.loss + loss,
          counted: total.counted + batch.counted,
          correct: total.correct + correct,
        };
      }
      losses.push(total);
    }
    return losses;
  }

  /**
   * Norms over a batch of the gradient of the last position's loss with respect to the last layer's
   * h_t, for t = T, T - 1, ... 1: of the first evaluation batch, from states of zero.
   */
  async reach(): Promise<Float32Array> {
    const { vocabulary } = this.#corpus;
    const { time, asked } = taskOf(this.#config.data, vocabulary);
    this.#reach ??= await this.#load(reachPlan(this.#config, vocabulary, this.layout));
    const [batch] = this.#source.evaluation(0);
    if (batch === undefined) return new Float32Array();
    const isLast = (i: number) => asked === "one" || i % time === time - 1;
    this.#writeBatch({ ...batch, targets: batch.targets.map((t, i) => isLast(i) ? t : IGNORE) });
    for (const { name, size } of this.carries) this.#memory.write(name, new Float32Array(size));
    this.#reach.run();
    const length = this.#config.windows * (time + 1);
    const norms = await this.#memory.read([{ slot: REACH, offset: 0, length }]);
    return normsBack(norms, time);
  }

  /** A state that micro-batch `index` carries, as its last step left it. */
  readCarry(index: number, { name, size }: { name: string; size: number }): Promise<Float32Array> {
    return this.#memory.read([{ slot: laneSlot(index, name), offset: 0, length: size }]);
  }

  /** Replaces a state that micro-batch `index` carries. */
  writeCarry(index: number, name: string, data: Float32Array): void {
    this.#memory.write(laneSlot(index, name), data);
  }

  /** Continues `prompt` by `length` tokens, drawn at `temperature`. */
  async sample(
    prompt: readonly number[],
    { length, temperature }: { length: number; temperature: number },
  ): Promise<number[]> {
    const { vocabulary } = this.#corpus;
    const { time: window } = taskOf(this.#config.data, vocabulary);
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
    const batch = this.#source.train({ step, microBatch: index });
    this.#writeBatch(batch);
    if (this.#random) {
      const key = fold(fold(foldName(this.#key, STREAM.dropout), step), index);
      this.#memory.write(RANDOM_KEY, Uint32Array.from(key));
    }
    this.#bringStates(batch, (name) => laneSlot(index, name));
    const counted = this.#source.countedIn?.(step);
    if (counted !== undefined) this.#memory.write(SHARE, Float32Array.of(1 / counted));
    this.#program(this.#gradient).run();
    for (const { name, size } of this.carries) {
      this.#memory.copy(CARRIED + name, laneSlot(index, name), size);
    }
  }

  /** Brings carried states from where they were kept; those of windows that begin anew are zero. */
  #bringStates({ fresh }: Batch, keptIn: (name: string) => string): void {
    for (const { name, size } of this.carries) {
      if (fresh === true) {
        this.#memory.write(name, new Float32Array(size));
        continue;
      }
      this.#memory.copy(keptIn(name), name, size);
      if (fresh === false) continue;
      const zeros = new Float32Array(size / fresh.length);
      fresh.forEach((begins, b) => {
        if (begins) this.#memory.write(name, zeros, b * zeros.length);
      });
    }
  }

  #writeBatch({ inputs, targets }: Batch): void {
    this.#memory.write("inputs", inputs);
    this.#memory.write("targets", targets);
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

/** Slot of a state that micro-batch `index` carries. */
function laneSlot(index: number, name: string): string {
  return `lane${index}/${name}`;
}
