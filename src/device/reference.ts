/**
 * The reference device: runs plans by the ops' reference implementations on the CPU. Kernels are
 * tested against it; in f64 it also computes the finite differences of gradient tests.
 */
import { sizeOf } from "../base/shape.ts";
import type { DType, Target, View } from "../graph/types.ts";
import type { Plan, Region } from "../plan/types.ts";
import {
  type Device,
  type Memory,
  type Program,
  readTarget,
  type SlotSlice,
  stagedCopy,
  type StagedRead,
} from "./types.ts";

type Words = Float32Array | Float64Array;

const TARGET: Target = { kind: "cpu", workgroupBytes: 16384, invocations: 256, groups: 65535 };

/** Opens the reference device; `precision` is the storage precision of f32 tensors. */
export function openReference({ precision = "f32" }: { precision?: "f32" | "f64" } = {}): Device {
  const make = (size: number): Words =>
    precision === "f64" ? new Float64Array(size) : new Float32Array(size);
  return {
    target: TARGET,
    name: `reference ${precision}`,
    bindingBytes: Number.MAX_SAFE_INTEGER,
    bufferBytes: Number.MAX_SAFE_INTEGER,
    shaders: "reference",
    memory: () => new ArrayMemory(make),
    expect: () => {},
    load: (plan, memory) => Promise.resolve(load(plan, memory, make)),
    lost: new Promise<string>(() => {}),
    close: () => {},
  };
}

function load(plan: Plan, memory: Memory, make: (size: number) => Words): Program {
  if (!(memory instanceof ArrayMemory)) {
    throw new TypeError("Cannot load: memory of another device");
  }
  const slots = plan.slots.map((slot) =>
    slot.role === "local" || slot.role === "const"
      ? new ArraySlot(slot.size, make)
      : memory.slot(slot.name, slot.size)
  );
  const view = (region: Region): View => {
    const { shape, dtype } = region;
    const slot = slots[region.slot] as ArraySlot;
    slot.dtype = dtype;
    const words = slot[dtype];
    return { shape, dtype, data: words.subarray(region.offset, region.offset + sizeOf(shape)) };
  };
  for (const { region, data } of plan.constants) view(region).data.set(data);
  const calls = plan.calls.map(({ op, attrs, inputs, outputs }) => ({
    op,
    attrs,
    io: { inputs: inputs.map(view), outputs: outputs.map(view) },
  }));
  const runPart = (from: number, to: number) =>
    calls.slice(from, to).forEach(({ op, attrs, io }) => op.reference(io, attrs));
  return { run: () => runPart(0, calls.length), runPart };
}

/** A slot stores floats and u32 words separately, because f64 floats share no bits with u32. */
class ArraySlot {
  readonly f32: Words;
  readonly u32: Uint32Array;
  /** Which of the two is in use. */
  dtype: DType = "f32";

  constructor(size: number, make: (size: number) => Words) {
    this.f32 = make(size);
    this.u32 = new Uint32Array(size);
  }
}

/** Slots by name, in host memory. Tests read f64 values through `floats`. */
export class ArrayMemory implements Memory {
  readonly #slots = new Map<string, ArraySlot>();
  readonly #make: (size: number) => Words;

  constructor(make: (size: number) => Words) {
    this.#make = make;
  }

  /** The slot; created, with zeros, on first use. */
  slot(name: string, size: number): ArraySlot {
    const known = this.#slots.get(name);
    if (known !== undefined) {
      if (known.f32.length >= size) return known;
      throw new RangeError(`Cannot grow slot ${name} to ${size}: it has ${known.f32.length}`);
    }
    const made = new ArraySlot(size, this.#make);
    this.#slots.set(name, made);
    return made;
  }

  /** The elements of a slot, in the device's precision. */
  floats(name: string): Words {
    return this.#known(name).f32;
  }

  ensure(slot: string, size: number): void {
    this.slot(slot, size);
  }

  write(slot: string, data: Float32Array | Uint32Array, offset = 0): void {
    const { f32, u32 } = this.#known(slot);
    if (data instanceof Uint32Array) u32.set(data, offset);
    else f32.set(data, offset);
  }

  read(slices: readonly SlotSlice[], into?: Float32Array): Promise<Float32Array> {
    const out = readTarget(slices, into);
    const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
    let at = 0;
    for (const { slot, offset, length } of slices) {
      const { f32, u32, dtype } = this.#known(slot);
      if (dtype === "u32") bits.set(u32.subarray(offset, offset + length), at);
      else out.set(f32.subarray(offset, offset + length), at);
      at += length;
    }
    return Promise.resolve(out);
  }

  stage(slices: readonly SlotSlice[]): StagedRead {
    return stagedCopy(this, slices);
  }

  copy(from: string, to: string, length: number): void {
    this.#known(to).f32.set(this.#known(from).f32.subarray(0, length));
  }

  #known(name: string): ArraySlot {
    const slot = this.#slots.get(name);
    if (slot === undefined) throw new RangeError(`Cannot use slot ${name}: it was never made`);
    return slot;
  }
}
