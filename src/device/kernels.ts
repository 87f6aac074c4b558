/**
 * The kernels of a device: each is compiled once, whichever plans use it. Some drivers (Mesa's
 * llvmpipe) compile a kernel when it first runs, which takes seconds. Where somebody follows the
 * progress, each new kernel is therefore dispatched once with no workgroup, which compiles it and
 * computes nothing.
 */
import { hashValue } from "../base/hash.ts";
import type { Launch } from "../graph/types.ts";
import { inErrorScopes } from "./guard.ts";
import type { CompileOptions } from "./types.ts";

/** A launch of a plan that is loaded. */
export interface Kernel {
  /** Name of its op. */
  readonly label: string;
  readonly launch: Launch;
  /** Binds its buffers. */
  readonly bind: (pipeline: GPUComputePipeline) => Promise<GPUBindGroup>;
}

/** Most kernels that are compiled before the progress is told again. */
const MOST = 16;
/** Milliseconds of a kernel that was not compiled, but found in the driver's cache. */
const CACHED_MS = 100;

/** Kernels by their source and constants. */
export class KernelCache {
  readonly #device: GPUDevice;
  readonly #compiling: CompileOptions | undefined;
  readonly #pipelines = new Map<string, GPUComputePipeline>();
  /** Kernels that are to be compiled, and how many of them are. */
  #expected = new Set<string>();
  #done = 0;

  constructor(device: GPUDevice, compiling?: CompileOptions) {
    this.#device = device;
    this.#compiling = compiling;
  }

  /** SHA-256 (hex) over the set of kernels. */
  get hash(): string {
    return hashValue(Array.from(this.#pipelines.keys()).sort());
  }

  /** Counts kernels that will be compiled into the total of the progress. */
  expect(launches: readonly Launch[]): void {
    if (this.#compiling === undefined) return;
    const fresh = launches.map(keyOf).filter((key) => !this.#pipelines.has(key));
    if (this.#done === this.#expected.size) {
      this.#expected = new Set();
      this.#done = 0;
    }
    for (const key of fresh) this.#expected.add(key);
  }

  /** Compiles those that are new. @throws {Error} naming the op of a kernel that is invalid. */
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

  /** The pipeline of a launch that was compiled. */
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
 * Items in the order in which one of several processes takes them: every `of`-th first, from
 * `index` on. What the others have compiled meanwhile lies in the driver's cache when it is its turn.
 */
export function ownFirst<T>(
  items: readonly T[],
  { index, of }: { readonly index: number; readonly of: number },
): T[] {
  const isOwn = (_: T, i: number) => i % of === index % of;
  return [...items.filter(isOwn), ...items.filter((item, i) => !isOwn(item, i))];
}

/**
 * How many kernels are compiled until the progress is told again: more as long as the driver finds
 * them in its cache, since each telling waits for the device; one where it compiles them.
 */
export function nextCount(count: number, ms: number): number {
  return ms > CACHED_MS * count ? 1 : Math.min(MOST, 2 * count);
}
