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
import { bucketSlot, LOSS, sumAddress, vectorBuckets } from "../plan/layout.ts";
import type { Layout } from "../plan/layout.ts";
import type { Plan } from "../plan/types.ts";
import type { TreeNode } from "../reduce/tree.ts";
import type { BatchUpload } from "./batch_upload.ts";
import type { Lanes } from "./lanes.ts";
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
}

interface Programs {
  readonly gradient: Program;
  /** Whether the gradient plan draws random numbers. */
  readonly random: boolean;
  /** Tree addition by level. */
  readonly adds: readonly Program[];
  readonly inspect: Program;
  readonly update: Program;
}

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
    const inspect = inspectPlan(layout);
    const update = updatePlan(config, layout);
    const adds = levels.map((level) => treeAddPlan(layout, level));
    device.expect([gradient, inspect, update, ...adds]);
    this.#loaded = {
      gradient: await device.load(gradient, memory),
      random: gradient.slots.some((slot) => slot.name === RANDOM_KEY),
      inspect: await device.load(inspect, memory),
      update: await device.load(update, memory),
      adds: await loadAll(device, adds, memory),
    };
  }

  /** Computes the sum of the subtree `node` into the gradient vector. */
  accumulate(step: number, node: TreeNode): void {
    this.#accumulated++;
    const count = 2 ** node.level;
    if (this.#first?.step !== step) this.#first = { step, microBatch: node.index * count };
    for (let i = 0; i < count; i++) {
      this.#microBatch(step, node.index * count + i);
      let level = 0;
      for (; (i >> level) & 1; level++) this.#programs.adds[level]?.run();
      if (i + 1 < count) this.#saveSubtree(level);
    }
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

  #batchOf({ step, microBatch }: BatchAddress): Batch {
    const { step: next, microBatch: index, batch } = this.#ahead ?? {};
    if (batch !== undefined && next === step && index === microBatch) return batch;
    return this.#parts.source.train({ step, microBatch });
  }

  #microBatch(step: number, index: number): void {
    const { source, lanes, key } = this.#parts;
    const { memory } = this.#upload;
    const { gradient, random } = this.#programs;
    if (random) memory.write(RANDOM_KEY, Uint32Array.from(fold(fold(key, step), index)));
    const counted = source.countedIn?.(step);
    if (counted !== undefined) memory.write(SHARE, Float32Array.of(1 / counted));
    const batch = this.#batchOf({ step, microBatch: index });
    this.#ahead = undefined;
    this.#upload.write(batch, (name) => lanes.current(index, name));
    gradient.run();
    this.#upload.saveCarried((name) => lanes.next(index, name));
    lanes.markComputed(index);
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
