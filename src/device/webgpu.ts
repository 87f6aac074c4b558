/**
 * Runs plans on WebGPU. Buffers, pipelines and bind groups are created at load; a run encodes one
 * compute pass and submits it.
 */
import { sizeOf } from "../base/shape.ts";
import { bytesOf } from "../base/hash.ts";
import { UserError } from "../base/user_error.ts";
import type { Call, Launch } from "../graph/types.ts";
import type { Plan, Region, Slot } from "../plan/types.ts";
import { openAdapter } from "./adapter.ts";
import type { OpenedAdapter } from "./adapter.ts";
import type { Backend } from "./backend.ts";
import { inErrorScopes } from "./guard.ts";
import { KernelCache } from "./kernels.ts";
import { PassClock } from "./pass_clock.ts";
import { Staging } from "./staging.ts";
import {
  type CompileOptions,
  type Memory,
  type PassTime,
  type Program,
  readTarget,
  type SlotSlice,
  type StagedRead,
  type TimedDevice,
} from "./types.ts";

const USAGE = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;

/** A dispatch with its pipeline and bind group. */
interface Step {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly groups: Launch["groups"];
}

/** Options of {@linkcode openWebGpu}. */
export interface WebGpuOptions {
  /** Times every pass, for {@linkcode TimedDevice.passSeconds}. */
  readonly clock?: boolean;
  /** The runtime's version; early read-back is enabled for {@linkcode TESTED_RUNTIMES}. */
  readonly runtime?: string;
  /** Compiles kernels at load, not on the first run, and reports progress. */
  readonly compiling?: CompileOptions | undefined;
  /**
   * The backend named by `DENO_WEBGPU_BACKEND`, for callers without permission to read it. Default:
   * the variable is read, and set if empty, so that OpenGL is never used without request.
   */
  readonly backend?: Backend;
}

/** Versions of Deno on which early read-back was tested (staging.ts). */
export const TESTED_RUNTIMES: readonly string[] = ["2.9.6"];

/** Opens the first WebGPU adapter. @throws {UserError} `noDevice` when there is none. */
export async function openWebGpu(options: WebGpuOptions = {}): Promise<TimedDevice> {
  return new Gpu(await openAdapter(options.backend), options);
}

class Gpu implements TimedDevice {
  readonly target;
  readonly name: string;
  readonly bindingBytes: number;
  readonly bufferBytes: number;
  readonly lost: Promise<string>;
  readonly #device: GPUDevice;
  readonly #staging: Staging;
  readonly #clock: PassClock | undefined;
  readonly #kernels: KernelCache;

  constructor(opened: OpenedAdapter, { clock = false, runtime = "", compiling }: WebGpuOptions) {
    const { device, name, target } = opened;
    this.#device = device;
    this.#staging = new Staging(device, { early: TESTED_RUNTIMES.includes(runtime) });
    this.#kernels = new KernelCache(device, compiling);
    this.#clock = clock && opened.timestamps ? new PassClock(device) : undefined;
    this.name = name;
    this.target = target;
    this.bindingBytes = device.limits.maxStorageBufferBindingSize;
    this.bufferBytes = device.limits.maxBufferSize;
    this.lost = device.lost.then(({ message }) => message);
  }

  get shaders(): string {
    return this.#kernels.hash;
  }

  memory(): Memory {
    return new GpuMemory(this.#device, this.#staging);
  }

  expect(plans: readonly Plan[]): void {
    this.#kernels.expect(plans.flatMap((plan) => this.#launches(plan)).map(({ launch }) => launch));
  }

  async load(plan: Plan, memory: Memory): Promise<Program> {
    if (!(memory instanceof GpuMemory)) {
      throw new TypeError("Cannot load: memory of another device");
    }
    this.#checkSizes(plan);
    const buffers = await inErrorScopes(
      this.#device,
      "the plan's buffers",
      () =>
        plan.slots.map((slot) =>
          slot.role === "local" || slot.role === "const"
            ? this.#device.createBuffer({ label: slot.name, size: 4 * slot.size, usage: USAGE })
            : memory.buffer(slot.name, slot.size)
        ),
    );
    for (const { region, data } of plan.constants) {
      this.#device.queue.writeBuffer(
        buffers[region.slot] as GPUBuffer,
        4 * region.offset,
        bytesOf(data),
      );
    }
    const launches = this.#launches(plan);
    const group = (call: Call<Region>, launch: Launch, pipeline: GPUComputePipeline) =>
      this.#group({ call, launch, pipeline }, buffers);
    await this.#kernels.compile(launches.map(({ call, launch }) => ({
      label: call.op.name,
      launch,
      bind: (pipeline) => group(call, launch, pipeline),
    })));
    const steps: Step[] = [];
    for (const { call, launch } of launches) {
      const pipeline = this.#kernels.pipeline(launch);
      steps.push({ pipeline, group: await group(call, launch, pipeline), groups: launch.groups });
    }
    /** By number of calls, how many steps they have. */
    const counts = [0];
    for (const call of plan.calls) {
      let count = counts.at(-1) ?? 0;
      while (launches[count]?.call === call) count++;
      counts.push(count);
    }
    return {
      run: () => this.#run(steps),
      runPart: (from, to) => this.#run(steps.slice(counts[from], counts[to])),
    };
  }

  passSeconds(): Promise<number | undefined> {
    return this.#clock?.seconds(this.#staging) ?? Promise.resolve(undefined);
  }

  passes(): Promise<readonly PassTime[] | undefined> {
    return this.#clock?.passes(this.#staging) ?? Promise.resolve(undefined);
  }

  get passesFree(): number {
    return this.#clock?.free ?? 0;
  }

  close(): void {
    this.#clock?.close();
    this.#device.destroy();
  }

  #checkSizes(plan: Plan): void {
    const limit = this.bindingBytes;
    for (const call of plan.calls) {
      for (const region of [...call.inputs, ...call.outputs]) {
        const bytes = 4 * sizeOf(region.shape);
        if (bytes <= limit) continue;
        const name = Object.keys(plan.named).find((k) => plan.named[k] === region);
        const { role } = plan.slots[region.slot] as Slot;
        const key = role === "param" || role === "grad"
          ? "model.width"
          : "micro_batch_size or data.seq_len";
        throw new UserError(
          "tooLarge",
          `Cannot fit ${name ?? `a result of ${call.op.name}`} [${region.shape.join(", ")}] on ` +
            `${this.name}: it takes ${bytes} bytes, one binding holds ${limit}; lower ${key}`,
        );
      }
    }
  }

  #launches(plan: Plan): { readonly call: Call<Region>; readonly launch: Launch }[] {
    return plan.calls.flatMap((call) =>
      call.op.launch(call, call.attrs, this.target).map((launch) => ({ call, launch }))
    );
  }

  async #group(
    { call, launch, pipeline }: {
      call: Call<Region>;
      launch: Launch;
      pipeline: GPUComputePipeline;
    },
    buffers: readonly GPUBuffer[],
  ): Promise<GPUBindGroup> {
    const entries = launch.bindings.map((at, binding) => {
      const region = ("input" in at ? call.inputs[at.input] : call.outputs[at.output]) as Region;
      const buffer = buffers[region.slot] as GPUBuffer;
      const { offset = 0, length = sizeOf(region.shape) - offset } = at;
      const start = 4 * (region.offset + offset);
      return { binding, resource: { buffer, offset: start, size: 4 * length } };
    });
    const layout = pipeline.getBindGroupLayout(0);
    return await inErrorScopes(
      this.#device,
      `the bindings of ${call.op.name}`,
      () => this.#device.createBindGroup({ label: call.op.name, layout, entries }),
    );
  }

  #run(steps: readonly Step[]): void {
    const encoder = this.#device.createCommandEncoder();
    const timestampWrites = this.#clock?.next();
    const pass = encoder.beginComputePass(timestampWrites === undefined ? {} : { timestampWrites });
    for (const { pipeline, group, groups: [x, y, z] } of steps) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(x, y, z);
    }
    pass.end();
    this.#device.queue.submit([encoder.finish()]);
  }
}

class GpuMemory implements Memory {
  readonly #device: GPUDevice;
  readonly #staging: Staging;
  readonly #buffers = new Map<string, GPUBuffer>();

  constructor(device: GPUDevice, staging: Staging) {
    this.#device = device;
    this.#staging = staging;
  }

  /** The buffer of a slot; created, with zeros, on first use. */
  buffer(slot: string, size: number): GPUBuffer {
    const known = this.#buffers.get(slot);
    if (known !== undefined) {
      if (known.size >= 4 * size) return known;
      throw new RangeError(`Cannot grow slot ${slot} to ${4 * size} bytes: it has ${known.size}`);
    }
    const made = this.#device.createBuffer({ label: slot, size: 4 * size, usage: USAGE });
    this.#buffers.set(slot, made);
    return made;
  }

  ensure(slot: string, size: number): void {
    this.buffer(slot, size);
  }

  write(slot: string, data: Float32Array | Uint32Array, offset = 0): void {
    this.#device.queue.writeBuffer(this.#known(slot), 4 * offset, bytesOf(data));
  }

  async read(slices: readonly SlotSlice[], into?: Float32Array): Promise<Float32Array> {
    const target = readTarget(slices, into);
    await this.stage(slices).take(target);
    return target;
  }

  stage(slices: readonly SlotSlice[]): StagedRead {
    const total = slices.reduce((sum, { length }) => sum + length, 0);
    const { map, take } = this.#staging.stage(4 * total, (encoder, staging) => {
      let at = 0;
      for (const { slot, offset, length } of slices) {
        encoder.copyBufferToBuffer(this.#known(slot), 4 * offset, staging, 4 * at, 4 * length);
        at += length;
      }
    });
    return { map, take: (into) => take(bytesOf(readTarget(slices, into))) };
  }

  copy(from: string, to: string, length: number): void {
    const encoder = this.#device.createCommandEncoder();
    encoder.copyBufferToBuffer(this.#known(from), 0, this.#known(to), 0, 4 * length);
    this.#device.queue.submit([encoder.finish()]);
  }

  #known(slot: string): GPUBuffer {
    const buffer = this.#buffers.get(slot);
    if (buffer === undefined) throw new RangeError(`Cannot use slot ${slot}: it was never made`);
    return buffer;
  }
}
