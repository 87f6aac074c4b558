/**
 * The pipeline cache of a device: each kernel is compiled once, for all plans. Some drivers (Mesa's
 * llvmpipe) defer compilation to the first dispatch, which then takes seconds. To report progress,
 * each new kernel is therefore dispatched once with zero workgroups, which compiles it without
 * effect.
 */
import { hashValue } from "../base/hash.ts";
import type { Launch } from "../graph/types.ts";
import { inErrorScopes } from "./guard.ts";
import type { CompileOptions } from "./types.ts";

/** A launch of a plan, during load. */
export interface Kernel {
  /** Name of its op. */
  readonly label: string;
  readonly launch: Launch;
  /** Creates its bind group. */
  readonly bind: (pipeline: GPUComputePipeline) => Promise<GPUBindGroup>;
}

/** Most kernels that are compiled between two progress reports. */
const MOST = 16;
/** Milliseconds per kernel below which it was a hit in the driver's shader cache. */
const CACHED_MS = 100;

/** Pipelines by source and constants. */
export class KernelCache {
  readonly #device: GPUDevice;
  readonly #compiling: CompileOptions | undefined;
  readonly #pipelines = new Map<string, GPUComputePipeline>();
  /** Kernels to compile, and how many of them are compiled. */
  #expected = new Set<string>();
  #done = 0;

  constructor(device: GPUDevice, compiling?: CompileOptions) {
    this.#device = device;
    this.#compiling = compiling;
  }

  /** SHA-256 (hex) over the sorted set of kernels. */
  get hash(): string {
    return hashValue(Array.from(this.#pipelines.keys()).sort());
  }

  /** Adds kernels that will be compiled to the total of the progress. */
  expect(launches: readonly Launch[]): void {
    if (this.#compiling === undefined) return;
    const fresh = launches.map(keyOf).filter((key) => !this.#pipelines.has(key));
    if (this.#done === this.#expected.size) {
      this.#expected = new Set();
      this.#done = 0;
    }
    for (const key of fresh) this.#expected.add(key);
  }

  /**
   * Compiles the kernels that are not cached. @throws {Error} naming the op of an invalid kernel.
   */
  async compile(kernels: readonly Kernel[]): Promise<void> {
    const fresh = new Map<string, Kernel>();
    for (const kernel of kernels) {
      const key = keyOf(kernel.launch);
      if (!this.#pipelines.has(key) && !fresh.has(key)) fresh.set(key, kernel);
    }
    if (fresh.size === 0) return;
    this.expect(Array.from(fresh.values(), ({ launch }) => launch));
    const { index, of } = this.#compiling?.share ?? { index: 0, of: 1 };
    const queue = ownFirst(Array.from(fresh), { index, of });
    for (let at = 0, count = 1; at < queue.length;) {
      const begin = performance.now();
      const some = queue.slice(at, at + count);
      const made: [Kernel, GPUComputePipeline][] = [];
      for (const [key, kernel] of some) {
        const pipeline = await this.#make(kernel);
        this.#pipelines.set(key, pipeline);
        made.push([kernel, pipeline]);
      }
      at += some.length;
      if (this.#compiling !== undefined) {
        await this.#warm(made);
        this.#done += some.length;
        await this.#compiling.progress({ done: this.#done, total: this.#expected.size });
      }
      count = nextCount(some.length, performance.now() - begin);
    }
  }

  /** The pipeline of a compiled launch. @throws {Error} when it was not compiled. */
  pipeline(launch: Launch): GPUComputePipeline {
    const known = this.#pipelines.get(keyOf(launch));
    if (known === undefined) throw new Error("Cannot run a kernel: it was not compiled");
    return known;
  }

  async #make({ label, launch: { wgsl, constants = {} } }: Kernel): Promise<GPUComputePipeline> {
    const made = await inErrorScopes(this.#device, `the kernel of ${label}`, () => {
      const module = this.#device.createShaderModule({ label, code: wgsl });
      const compute = { module, entryPoint: "main", constants: { ...constants } };
      return this.#device.createComputePipeline({ label, layout: "auto", compute });
    });
    // Compiling blocks: between two kernels other events get their turn.
    await new Promise((resolve) => setTimeout(resolve, 0));
    return made;
  }

  /** Makes the driver finish compiling: a dispatch of no workgroup does, and runs nothing. */
  async #warm(made: readonly [Kernel, GPUComputePipeline][]): Promise<void> {
    const groups: GPUBindGroup[] = [];
    for (const [{ bind }, pipeline] of made) groups.push(await bind(pipeline));
    const labels = made.map(([{ label }]) => label).join(", ");
    await inErrorScopes(this.#device, `the kernels of ${labels}`, () => {
      const encoder = this.#device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      made.forEach(([, pipeline], i) => {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, groups[i] as GPUBindGroup);
        pass.dispatchWorkgroups(0, 0, 0);
      });
      pass.end();
      this.#device.queue.submit([encoder.finish()]);
    });
    await this.#device.queue.onSubmittedWorkDone();
  }
}

function keyOf({ wgsl, constants = {} }: Launch): string {
  return JSON.stringify(constants) + wgsl;
}

/**
 * Reorders items so that each of `of` processes starts with its own share: every `of`-th item, from
 * `index` on. By the time it reaches the others' share, those kernels are in the driver's cache.
 */
export function ownFirst<T>(
  items: readonly T[],
  { index, of }: { readonly index: number; readonly of: number },
): T[] {
  const isOwn = (_: T, i: number) => i % of === index % of;
  return [...items.filter(isOwn), ...items.filter((item, i) => !isOwn(item, i))];
}

/**
 * How many kernels to compile until the next progress report. Each report waits for the device, so
 * the count doubles while kernels are cache hits; it is 1 while they are compiled.
 */
export function nextCount(count: number, ms: number): number {
  return ms > CACHED_MS * count ? 1 : Math.min(MOST, 2 * count);
}
