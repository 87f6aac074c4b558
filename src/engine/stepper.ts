/**
 * The plans of a training step on one device: a subtree of micro-batches into the gradient vector,
 * a look at it, the update. It knows slots; whether a step counts is somebody else's decision.
 */
import { fold } from "../base/random.ts";
import type { Key } from "../base/random.ts";
import type { RunConfig } from "../config/schema.ts";
import type { Batch, BatchAddress, Source } from "../data/source.ts";
import type { Device, Memory, Program } from "../device/types.ts";
import type { Inspection } from "../guard/judge.ts";
import { RANDOM_KEY } from "../nn/scope.ts";
import { optimizerOf } from "../optim/mod.ts";
import { GRAD_NORM, NON_FINITE } from "../optim/update.ts";
import { addressIn, bucketSlot, LOSS } from "../plan/layout.ts";
import type { Layout } from "../plan/layout.ts";
import type { Plan } from "../plan/types.ts";
import type { TreeNode } from "../reduce/tree.ts";
import type { BatchUpload } from "./batch_upload.ts";
import type { Lanes } from "./lanes.ts";
import {
  gradientPlan,
  inspectPlan,
  SHARE,
  sizesOf,
  treeAddPlan,
  treeVector,
  updatePlan,
} from "./plans.ts";

/** What a step is made of. */
export interface StepParts {
  readonly config: RunConfig;
  readonly vocabulary: number;
  readonly layout: Layout;
  readonly source: Source;
  readonly lanes: Lanes;
  /** Key of dropout masks. */
  readonly key: Key;
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
  readonly #feed: BatchUpload;
  readonly #parts: StepParts;
  #loaded: Programs | undefined;
  /** Whether the inspect plan has seen the gradient that is there. */
  #inspected = false;
  /** The first micro-batch of the step under way. */
  #first: BatchAddress | undefined;
  /** A micro-batch that was made before it is its turn. */
  #ahead: BatchAddress & { readonly batch: Batch } | undefined;

  constructor(feed: BatchUpload, parts: StepParts) {
    this.#feed = feed;
    this.#parts = parts;
  }

  /** Makes the slots of a step, and loads its plans. */
  async open(device: Device): Promise<void> {
    const { config, vocabulary, layout } = this.#parts;
    const { memory, carries } = this.#feed;
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

  /** Leaves the sum of the subtree `node` in the gradient vector. */
  accumulate(step: number, node: TreeNode): void {
    this.touch();
    const count = 2 ** node.level;
    if (this.#first?.step !== step) this.#first = { step, microBatch: node.index * count };
    for (let i = 0; i < count; i++) {
      this.#microBatch(step, node.index * count + i);
      let level = 0;
      for (; (i >> level) & 1; level++) this.#programs.adds[level]?.run();
      if (i + 1 < count) this.#setAside(level);
    }
  }

  /** Leaves the gradient of the very first micro-batch; the steps that follow begin as if it had not. */
  probe(): void {
    this.accumulate(0, { level: 0, index: 0 });
    this.#first = undefined;
  }

  /** Notes that somebody else wrote into the gradient vector. */
  touch(): void {
    this.#inspected = false;
  }

  /**
   * Makes the batch that the next step begins with and hands it over, for when the host will wait
   * anyway. If another comes first, that one is written in its stead.
   */
  prepare(): void {
    if (this.#first === undefined) return;
    const at = { ...this.#first, step: this.#first.step + 1 };
    try {
      const batch = this.#batchOf(at);
      this.#ahead = { ...at, batch };
      this.#feed.handOver(batch);
    } catch {
      // What is wrong with its data is said when it is its turn, if that comes.
      this.#ahead = undefined;
    }
  }

  /** Looks at the gradient vector; the one read of a step. */
  async inspect(): Promise<Inspection> {
    this.#look();
    this.prepare();
    const { slot, offset } = addressIn(this.#parts.layout, "grad", LOSS);
    const values = await this.#feed.memory.read([
      { slot, offset, length: 1 },
      { slot: GRAD_NORM, offset: 0, length: 1 },
      { slot: NON_FINITE, offset: 0, length: 1 },
    ]);
    const [loss = NaN, norm = NaN] = values;
    const [, , nonFinite = NaN] = new Uint32Array(values.buffer, values.byteOffset, 3);
    return { loss, norm, nonFinite };
  }

  /** Updates parameters and moments from the gradient vector. */
  update(step: number): void {
    const { optim } = this.#parts.config;
    for (const [name, value] of Object.entries(optimizerOf(optim).scalarsAt(step, optim))) {
      this.#feed.memory.write(name, Float32Array.of(value));
    }
    this.#look();
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
    const { memory } = this.#feed;
    const { gradient, random } = this.#programs;
    if (random) memory.write(RANDOM_KEY, Uint32Array.from(fold(fold(key, step), index)));
    const counted = source.countedIn?.(step);
    if (counted !== undefined) memory.write(SHARE, Float32Array.of(1 / counted));
    const batch = this.#batchOf({ step, microBatch: index });
    this.#ahead = undefined;
    this.#feed.bring(batch, (name) => lanes.kept(index, name));
    gradient.run();
    this.#feed.keep((name) => lanes.next(index, name));
    lanes.note(index);
  }

  /** Queues the inspect plan, unless it has seen this gradient: the update needs its norm. */
  #look(): void {
    if (this.#inspected) return;
    this.#programs.inspect.run();
    this.#inspected = true;
  }

  /** Sets the gradient aside as the finished subtree of a level. */
  #setAside(level: number): void {
    const { layout } = this.#parts;
    layout.buckets.forEach((length, bucket) => {
      const kept = bucketSlot(treeVector(level), bucket);
      this.#feed.memory.copy(bucketSlot("grad", bucket), kept, length);
    });
  }
}

/** Loads one plan after the other: they share kernels, of which each is compiled once. */
async function loadAll(
  device: Device,
  plans: readonly Plan[],
  memory: Memory,
): Promise<Program[]> {
  const programs: Program[] = [];
  for (const plan of plans) programs.push(await device.load(plan, memory));
  return programs;
}
