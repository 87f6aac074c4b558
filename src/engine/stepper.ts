/**
 * Runs the plans of a training step on one device: the gradient of a subtree of micro-batches, the
 * gradient check, the update. The caller decides whether a step is committed.
 */
import { fold } from "../base/random.ts";
import type { Key } from "../base/random.ts";
import type { RunConfig } from "../config/schema.ts";
import type { Batch, BatchAddress, Source } from "../data/source.ts";
import type { Device, Memory, Program } from "../device/types.ts";
import type { Inspection } from "../guard/judge.ts";
import { RANDOM_KEY } from "../nn/scope.ts";
import { optimizerOf } from "../optim/mod.ts";
import { GRAD_NORM } from "../optim/clip.ts";
import { NON_FINITE } from "../optim/update.ts";
import { bucketSlot, LOSS, sumAddress, vectorBuckets, vectorLength } from "../plan/layout.ts";
import type { Layout } from "../plan/layout.ts";
import type { Plan } from "../plan/types.ts";
import type { Slice } from "../reduce/slices.ts";
import type { TreeNode } from "../reduce/tree.ts";
import type { BatchUpload } from "./batch_upload.ts";
import type { Lanes } from "./lanes.ts";
import { gradientPieces, type Piece } from "./piecewise/pieces.ts";
import { Piecewise, type StagedPart } from "./piecewise/piecewise.ts";
import { gradientPlan, SHARE, sizesOf } from "./plans.ts";
import { inspectPlan, treeAddPlan, treeVector, updatePlan } from "./vector_plans.ts";

/** What a step needs. */
export interface StepParts {
  readonly config: RunConfig;
  readonly vocabulary: number;
  readonly layout: Layout;
  readonly source: Source;
  readonly lanes: Lanes;
  /** Key of dropout masks. */
  readonly key: Key;
  /** Number of writes to the gradient vector by the host. */
  readonly gradientWrites: () => number;
  /** Copies elements of the gradient vector aside, as parts of an array for all of it. */
  readonly stage: (piece: Slice, into: Float32Array) => readonly StagedPart[];
}

interface Programs {
  readonly gradient: Program;
  /** The pieces in which the gradient can leave. */
  readonly pieces: readonly Piece[];
  /** Whether the gradient plan draws random numbers. */
  readonly random: boolean;
  /** Tree addition by level. */
  readonly adds: readonly Program[];
  readonly inspect: Program;
  readonly update: Program;
}

/** Steps whose gradient leaves in pieces. */
export type PiecewiseSteps = Pick<Stepper, "pieces" | "isPiecewise" | "accumulateInPieces">;

/** Runs the plans of a step. */
export class Stepper {
  readonly #upload: BatchUpload;
  readonly #parts: StepParts;
  #loaded: Programs | undefined;
  /** Number of subtrees that were accumulated. */
  #accumulated = 0;
  /** Version of the gradient vector that the inspect plan has run on. */
  #inspected = -1;
  /** The first micro-batch of the current step. */
  #first: BatchAddress | undefined;
  /** A batch that was prepared ahead of its use. */
  #ahead: BatchAddress & { readonly batch: Batch } | undefined;
  readonly #piecewise = new Piecewise();
  #opened: Device | undefined;
  /** By level, the tree addition of each piece. */
  readonly #addsInPieces: Program[][] = [];

  constructor(upload: BatchUpload, parts: StepParts) {
    this.#upload = upload;
    this.#parts = parts;
  }

  /** Allocates the slots of a step and loads its plans. */
  async open(device: Device): Promise<void> {
    const { config, vocabulary, layout } = this.#parts;
    const { memory, carries } = this.#upload;
    const levels = Array.from({ length: Math.log2(config.micro_batches) }, (_, level) => level);
    for (const vector of ["grad", ...levels.map(treeVector)]) {
      for (const [slot, size] of Object.entries(sizesOf(layout, vector))) memory.ensure(slot, size);
    }
    for (const { name, size } of carries) memory.ensure(name, size);
    const gradient = gradientPlan(config, vocabulary, layout);
    this.#opened = device;
    const inspect = inspectPlan(layout);
    const update = updatePlan(config, layout);
    const adds = levels.map((level) => treeAddPlan(layout, level));
    device.expect([gradient, inspect, update, ...adds]);
    this.#loaded = {
      gradient: await device.load(gradient, memory),
      pieces: gradientPieces(gradient, layout),
      random: gradient.slots.some((slot) => slot.name === RANDOM_KEY),
      inspect: await device.load(inspect, memory),
      update: await device.load(update, memory),
      adds: await loadAll(device, adds, memory),
    };
  }

  /** Computes the sum of the subtree `node` into the gradient vector. */
  accumulate(step: number, node: TreeNode): void {
    this.#accumulated++;
    for (let i = 0; i < 2 ** node.level; i++) this.#add(step, node, i);
  }

  /** Adds micro-batch `i` of a subtree to those before it. */
  #add(step: number, { level: height, index }: TreeNode, i: number): void {
    const count = 2 ** height;
    if (this.#first?.step !== step) this.#first = { step, microBatch: index * count };
    this.#begin(step, index * count + i);
    this.#programs.gradient.run();
    this.#end(index * count + i);
    let level = 0;
    for (; (i >> level) & 1; level++) this.#programs.adds[level]?.run();
    if (i + 1 < count) this.#saveSubtree(level);
  }

  /** The pieces of the gradient, in the order in which they are finished; one before it is opened. */
  get pieces(): readonly Piece[] {
    const length = vectorLength(this.#parts.layout, "grad");
    return this.#loaded?.pieces ?? [{ start: 0, end: length, after: 0 }];
  }

  /** Whether the gradient can leave in pieces: not on the cores of the host, nor as a single one. */
  get isPiecewise(): boolean {
    return this.#loaded?.gradient.runPart !== undefined && this.pieces.length > 1;
  }

  /**
   * Computes the sum of the subtree `node` into the gradient vector, and reads it to `into`; a promise
   * for each piece. The next step's first batch is prepared meanwhile.
   */
  accumulateInPieces(step: number, node: TreeNode, into: Float32Array): readonly Promise<void>[] {
    const { gradient, pieces } = this.#programs;
    const count = 2 ** node.level;
    for (let i = 0; i + 1 < count; i++) this.#add(step, node, i);
    this.#accumulated++;
    const last = (node.index + 1) * count - 1;
    if (this.#first?.step !== step) this.#first = { step, microBatch: last };
    let adds: readonly Program[][] = [];
    return this.#piecewise.start({
      pieces: pieces.length,
      begin: async () => {
        adds = await this.#pieceAdds(node.level);
        this.#begin(step, last);
      },
      submit: (k) => {
        const piece = pieces[k] as Piece;
        gradient.runPart?.(pieces[k - 1]?.after ?? 0, piece.after);
        for (const program of adds[k] ?? []) program.run();
        return this.#parts.stage(piece, into);
      },
      end: () => {
        gradient.runPart?.(pieces.at(-1)?.after ?? 0, Infinity);
        this.#end(last);
        this.prepare();
      },
    });
  }

  /** Computes the gradient of the very first micro-batch, without an effect on later steps. */
  probe(): void {
    this.accumulate(0, { level: 0, index: 0 });
    this.#first = undefined;
  }

  /**
   * Prepares and stages the first batch of the next step, while the host waits for the device. If
   * another batch is used first, it replaces the staged one.
   */
  prepare(): void {
    if (this.#first === undefined) return;
    const at = { ...this.#first, step: this.#first.step + 1 };
    try {
      const batch = this.#batchOf(at);
      this.#ahead = { ...at, batch };
      this.#upload.stage(batch);
    } catch {
      // An error in its data is reported when the batch is used, if ever.
      this.#ahead = undefined;
    }
  }

  /** The gradient check: the only read of a step. */
  async inspect(): Promise<Inspection> {
    this.#queueInspect();
    this.prepare();
    const { layout } = this.#parts;
    const names = layout.sums.map(({ name }) => name).filter((name) => name !== LOSS);
    const values = await this.#upload.memory.read([
      { ...sumAddress(layout, LOSS), length: 1 },
      { slot: GRAD_NORM, offset: 0, length: 1 },
      { slot: NON_FINITE, offset: 0, length: 1 },
      ...names.map((name) => ({ ...sumAddress(layout, name), length: 1 })),
    ]);
    const [loss = NaN, norm = NaN, , ...terms] = values;
    const [, , nonFinite = NaN] = new Uint32Array(values.buffer, values.byteOffset, 3);
    return { loss, norm, nonFinite, ...terms.length > 0 && { terms } };
  }

  /** Updates parameters and moments from the gradient vector. */
  update(step: number): void {
    const { optim } = this.#parts.config;
    for (const [name, value] of Object.entries(optimizerOf(optim).scalarsAt(step, optim))) {
      // Without parameters of its rule, no plan reads a scalar.
      this.#upload.memory.ensure(name, 1);
      this.#upload.memory.write(name, Float32Array.of(value));
    }
    this.#queueInspect();
    this.#programs.update.run();
  }

  get #programs(): Programs {
    if (this.#loaded === undefined) throw new Error("Cannot run: the replica was not opened");
    return this.#loaded;
  }

  get #device(): Device {
    if (this.#opened === undefined) throw new Error("Cannot load: the replica was not opened");
    return this.#opened;
  }

  #batchOf({ step, microBatch }: BatchAddress): Batch {
    const { step: next, microBatch: index, batch } = this.#ahead ?? {};
    if (batch !== undefined && next === step && index === microBatch) return batch;
    return this.#parts.source.train({ step, microBatch });
  }

  /** Uploads what the gradient of a micro-batch is computed from. */
  #begin(step: number, index: number): void {
    const { source, lanes, key } = this.#parts;
    const { memory } = this.#upload;
    const { random } = this.#programs;
    if (random) memory.write(RANDOM_KEY, Uint32Array.from(fold(fold(key, step), index)));
    const counted = source.countedIn?.(step);
    if (counted !== undefined) memory.write(SHARE, Float32Array.of(1 / counted));
    const batch = this.#batchOf({ step, microBatch: index });
    this.#ahead = undefined;
    this.#upload.write(batch, (name) => lanes.current(index, name));
  }

  /** Keeps the carried states that were computed with the gradient of a micro-batch. */
  #end(index: number): void {
    const { lanes } = this.#parts;
    this.#upload.saveCarried((name) => lanes.next(index, name));
    lanes.markComputed(index);
  }

  /** For each piece, the tree additions that end a subtree of a level; loaded on first use. */
  async #pieceAdds(height: number): Promise<readonly Program[][]> {
    const known = this.#addsInPieces;
    for (let level = known.length; level < height; level++) {
      const plans = this.pieces.map((piece) => treeAddPlan(this.#parts.layout, level, piece));
      known.push(await loadAll(this.#device, plans, this.#upload.memory));
    }
    return this.pieces.map((_, k) => known.slice(0, height).map((adds) => adds[k] as Program));
  }

  /** Queues the inspect plan unless it has run on this gradient: the update needs its norm. */
  #queueInspect(): void {
    const version = this.#accumulated + this.#parts.gradientWrites();
    if (this.#inspected === version) return;
    this.#programs.inspect.run();
    this.#inspected = version;
  }

  /** Copies the gradient to the vector of a level, as a finished subtree. */
  #saveSubtree(level: number): void {
    const { layout } = this.#parts;
    vectorBuckets(layout, "grad").forEach(({ bucket, length }) => {
      const kept = bucketSlot(treeVector(level), bucket);
      this.#upload.memory.copy(bucketSlot("grad", bucket), kept, length);
    });
  }
}

/** Loads plans one by one, so that shared kernels are compiled once. */
async function loadAll(
  device: Device,
  plans: readonly Plan[],
  memory: Memory,
): Promise<Program[]> {
  const programs: Program[] = [];
  for (const plan of plans) programs.push(await device.load(plan, memory));
  return programs;
}
