/**
 * One copy of the model on one device: parameters, moments, carried states, and the programs that
 * compute on them.
 */
import type { RunConfig } from "../config/schema.ts";
import { sourceIn } from "../corpus/corpus.ts";
import type { Corpus } from "../corpus/corpus.ts";
import { sizeOf } from "../base/shape.ts";
import { bytesOf, sha256 } from "../base/hash.ts";
import { foldName, rootKey } from "../base/random.ts";
import type { Key } from "../base/random.ts";
import type { Device, Memory, SlotSlice } from "../device/types.ts";
import type { Inspection } from "../guard/judge.ts";
import { initialValues } from "../nn/scope.ts";
import { stateVectors } from "../optim/mod.ts";
import { addressIn, bucketSlot, vectorLength } from "../plan/layout.ts";
import type { Layout } from "../plan/layout.ts";
import type { Reach } from "../report/events.ts";
import type { TreeNode } from "../reduce/tree.ts";
import type { SequenceLoss } from "./evaluation.ts";
import { BatchUpload } from "./batch_upload.ts";
import type { CarrySize } from "./batch_upload.ts";
import { Lanes } from "./lanes.ts";
import { shapeOf, sizesOf } from "./plans.ts";
import type { ReplicaLayout, TermInfo } from "./plans.ts";
import { Inference, type NumberedSample } from "./inference.ts";
import { type PiecewiseSteps, Stepper } from "./stepper.ts";
import { Vectors } from "./vectors.ts";

/** Names of a run's random streams; each has its own key. */
const STREAM = { init: "init", order: "order", dropout: "dropout", sample: "sample" } as const;

/** A model on a device. */
export class Replica {
  readonly layout: Layout;
  /** States that each micro-batch carries from step to step: names and sizes. */
  readonly carries: readonly CarrySize[];
  readonly #config: RunConfig;
  readonly #device: Device;
  readonly #memory: Memory;
  readonly #shape: ReplicaLayout;
  readonly #key: Key;
  readonly #lanes: Lanes;
  readonly #vectors: Vectors;
  readonly #stepper: Stepper;
  readonly #inference: Inference;
  #shaders = "";

  constructor(device: Device, { config, corpus }: { config: RunConfig; corpus: Corpus }) {
    this.#device = device;
    this.#config = config;
    this.#memory = device.memory();
    this.#shape = shapeOf(config, corpus.vocabulary);
    this.layout = this.#shape.layout;
    this.carries = this.#shape.carries.map(({ name, tensor }) => ({
      name,
      size: sizeOf(tensor.shape),
    }));
    const upload = new BatchUpload(this.#memory, this.carries);
    this.#lanes = new Lanes(this.#memory, {
      carries: this.carries,
      microBatches: config.micro_batches,
    });
    this.#vectors = new Vectors(this.#memory, this.layout);
    this.#key = rootKey(config.seed);
    const { layout } = this;
    const { vocabulary } = corpus;
    const source = sourceIn(config, corpus, foldName(this.#key, STREAM.order));
    const common = { config, vocabulary, layout, source };
    this.#stepper = new Stepper(upload, {
      ...common,
      lanes: this.#lanes,
      key: foldName(this.#key, STREAM.dropout),
      gradientWrites: () => this.#vectors.version("grad"),
      stage: (piece, into) => this.#vectors.stage("grad", piece, into),
    });
    this.#inference = new Inference(upload, {
      ...common,
      terms: this.terms.map(({ name }) => name),
      device,
      key: foldName(this.#key, STREAM.sample),
    });
  }

  /** Vectors of the state, in the order of checkpoints. */
  get vectors(): readonly string[] {
    return stateVectors(this.#config.optim);
  }

  /** The terms of the model's loss. */
  get terms(): readonly TermInfo[] {
    return this.#shape.terms;
  }

  /** Elements of all parameters, frozen ones included. */
  get parameters(): number {
    return this.#shape.params.reduce((n, { shape }) => n + sizeOf(shape), 0);
  }

  /** Elements of the gradient vector, with the loss. */
  get gradientSize(): number {
    return vectorLength(this.layout, "grad");
  }

  /** Elements of the states that one micro-batch carries. */
  get laneSize(): number {
    return this.#lanes.size;
  }

  /** SHA-256 (hex) over the kernels of a training step, or of an evaluation if it does not train. */
  get shaders(): string {
    return this.#shaders;
  }

  /**
   * Loads the plans of a training step, or only of an evaluation, and initialises the parameters
   * from the seed.
   */
  async open({ trains = true }: { readonly trains?: boolean } = {}): Promise<void> {
    for (const vector of this.vectors) {
      for (const [slot, size] of Object.entries(sizesOf(this.layout, vector))) {
        this.#memory.ensure(slot, size);
      }
    }
    this.#lanes.open();
    await (trains ? this.#stepper.open(this.#device) : this.#inference.open());
    this.#shaders = this.#device.shaders;
    this.#initialize();
  }

  /**
   * SHA-256 (hex) over the device's results for the first micro-batch with the initial parameters:
   * gradient and carried states, or without training the loss. Devices with different hashes
   * compute different bits, whatever their names. Does not change the state; call it before the
   * first step.
   */
  async probe({ trains = true }: { readonly trains?: boolean } = {}): Promise<string> {
    if (!trains) return sha256(bytesOf(Float32Array.from(await this.#inference.probe())));
    this.#stepper.probe();
    const states = await this.nextLanes([0]);
    this.#lanes.discardNext();
    return sha256(bytesOf(states), Uint8Array.fromHex(await this.#vectors.hash(["grad"])));
  }

  /** Resets to the initial parameters, with zero moments and carried states. */
  reset(): void {
    for (const vector of this.vectors) {
      this.writeVector(vector, new Float32Array(vectorLength(this.layout, vector)));
    }
    const indices = Array.from({ length: this.#config.micro_batches }, (_, i) => i);
    this.writeLanes(indices, new Float32Array(indices.length * this.laneSize));
    this.#initialize();
  }

  #initialize(): void {
    const key = foldName(this.#key, STREAM.init);
    for (const param of this.#shape.params) {
      const { slot, offset } = addressIn(this.layout, "param", param.name);
      this.#memory.write(slot, initialValues(key, param), offset);
    }
  }

  /** Replaces one bucket of a vector. */
  write(vector: string, bucket: number, data: Float32Array): void {
    this.#vectors.writeBucket(vector, bucket, data);
  }

  /** Elements [offset, offset + length) of a bucket of a vector. */
  read(
    vector: string,
    bucket: number,
    { offset, length }: Omit<SlotSlice, "slot">,
  ): Promise<Float32Array> {
    return this.#memory.read([{ slot: bucketSlot(vector, bucket), offset, length }]);
  }

  /** A vector (`param`, a moment, `grad`): its buckets, concatenated. */
  readVector(vector: string): Promise<Float32Array> {
    return this.#vectors.read(vector);
  }

  /** Replaces a vector. @throws {RangeError} unless `flat` has its length. */
  writeVector(vector: string, flat: Float32Array): void {
    this.#vectors.write(vector, flat);
  }

  /**
   * The gradient vector with the loss: its buckets, concatenated, in `into` or else in a new array.
   * After the `last` subtree of a step, the next step's first batch is prepared while the device
   * computes.
   */
  gradient(
    { last = true, into }: { last?: boolean; into?: Float32Array | undefined } = {},
  ): Promise<Float32Array> {
    if (last) this.#stepper.prepare();
    return this.#vectors.read("grad", into);
  }

  /** Replaces elements of the gradient vector from `at` on. */
  writeGradient(at: number, part: Float32Array): void {
    this.#vectors.writeFrom("grad", at, part);
  }

  /**
   * SHA-256 (hex) over {@linkcode vectors}: equal on all replicas after the same steps. No update
   * may run meanwhile.
   */
  hash(): Promise<string> {
    return this.#vectors.hash(this.vectors);
  }

  /** XORs `flipBits` into one element of a vector, counted over all buckets (fault injection). */
  async damage(vector: string, element: number, flipBits: number): Promise<void> {
    await this.#vectors.damage(vector, element, flipBits);
  }

  /** Sets one element of a vector to NaN (fault injection). */
  poison(vector: string, element: number): void {
    this.#vectors.poison(vector, element);
  }

  /**
   * Computes the sum of the subtree `node` of a step into the gradient vector. Starts from the
   * committed carried states without changing them, so it can be repeated.
   */
  accumulate(step: number, node: TreeNode): void {
    this.#stepper.accumulate(step, node);
  }

  /** The same in pieces, each of which is read while the device computes those that follow. */
  get piecewise(): PiecewiseSteps {
    return this.#stepper;
  }

  /** Gradient check in one read: mean loss, norm, number of elements that are not finite. */
  inspect(): Promise<Inspection> {
    return this.#stepper.inspect();
  }

  /**
   * Updates parameters and moments from the gradient vector, and commits the carried states
   * computed since the last update.
   */
  update(step: number): void {
    this.#stepper.update(step);
    this.#lanes.swap();
  }

  /** Skips a step: parameters, moments and carried states stay unchanged. */
  skip(): void {
    this.#lanes.discardNext();
  }

  /**
   * Committed carried states of micro-batches, concatenated, each with all carries in order:
   * `indices.length * laneSize` elements.
   */
  readLanes(indices: readonly number[]): Promise<Float32Array> {
    return this.#lanes.read(indices);
  }

  /**
   * The states that accumulate() computed, in the same order. @throws {RangeError} if there are
   * none.
   */
  nextLanes(indices: readonly number[]): Promise<Float32Array> {
    return this.#lanes.readNext(indices);
  }

  /** Replaces committed states, in the same order. @throws {RangeError} if the length differs. */
  writeLanes(indices: readonly number[], data: Float32Array): void {
    this.#lanes.write(indices, data);
  }

  /**
   * Losses of the evaluation sequences whose number is `rank` modulo `world`; fewer of them once
   * `signal` is aborted. `moved` hears of each batch.
   */
  evaluate(
    rank: number,
    world: number,
    options: {
      signal?: AbortSignal;
      moved?: (done: number, total: number) => Promise<void>;
    } = {},
  ): Promise<SequenceLoss[]> {
    return this.#inference.evaluate({ rank, world, ...options });
  }

  /** How far the gradient reaches in each direction, as measureReach() has it. */
  reach(): Promise<Reach[]> {
    return this.#inference.reach();
  }

  /** Continues `prompt` by `length` tokens, drawn at `temperature`; by fewer once aborted. */
  sample(prompt: readonly number[], options: NumberedSample): Promise<number[]> {
    return this.#inference.sample(prompt, options);
  }
}
