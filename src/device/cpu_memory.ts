/** Slots of the CPU device: ranges of one WebAssembly memory. */
import { UserError } from "../base/user_error.ts";
import { type Memory, readTarget, type SlotSlice, stagedCopy, type StagedRead } from "./types.ts";

const PAGE = 65536;
/** Pages of the largest memory: 4 GiB. */
const MOST_PAGES = 65536;
/** Alignment of slots: a cache line. */
const ALIGNMENT = 64;

/** One memory that grows as slots are allocated; nothing is freed. */
export class LinearMemory {
  readonly memory: WebAssembly.Memory;
  /** The first address is not 0, so that a zero address is a fault. */
  #end = ALIGNMENT;

  constructor() {
    this.memory = new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES });
  }

  /** The bytes; growing the memory replaces it, so it is not kept. */
  get buffer(): ArrayBuffer {
    return this.memory.buffer as ArrayBuffer;
  }

  /**
   * The address of so many new zero bytes. @throws {UserError} `tooLarge` beyond 4 GiB, or when the
   * machine has no memory left.
   */
  allocate(bytes: number): number {
    const at = this.#end;
    const end = at + Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    const pages = Math.ceil(end / PAGE) - this.buffer.byteLength / PAGE;
    if (pages > 0) this.#grow(pages, end);
    this.#end = end;
    return at;
  }

  #grow(pages: number, end: number): void {
    try {
      this.memory.grow(pages);
    } catch {
      throw new UserError(
        "tooLarge",
        `Cannot allocate memory for the CPU device: need ${end} bytes in all: it holds at most ` +
          `${
            PAGE * MOST_PAGES
          }, and what the machine has left; lower micro_batch_size or model.width`,
      );
    }
  }
}

/** A range of the memory. */
interface Slot {
  /** Address of its first byte. */
  readonly at: number;
  /** Elements of 4 bytes. */
  readonly size: number;
}

/** Slots by name. */
export class CpuMemory implements Memory {
  readonly linear: LinearMemory;
  readonly #slots = new Map<string, Slot>();

  constructor(linear: LinearMemory) {
    this.linear = linear;
  }

  /** The slot; created, with zeros, on first use. @throws {RangeError} if it is smaller. */
  slot(name: string, size: number): Slot {
    const known = this.#slots.get(name);
    if (known !== undefined) {
      if (known.size >= size) return known;
      throw new RangeError(`Cannot grow slot ${name} to ${size}: it has ${known.size}`);
    }
    const slot = { at: this.linear.allocate(4 * size), size };
    this.#slots.set(name, slot);
    return slot;
  }

  ensure(slot: string, size: number): void {
    this.slot(slot, size);
  }

  write(slot: string, data: Float32Array | Uint32Array, offset = 0): void {
    const to = this.#words(slot);
    to.set(new Uint32Array(data.buffer, data.byteOffset, data.length), offset);
  }

  read(slices: readonly SlotSlice[], into?: Float32Array): Promise<Float32Array> {
    const target = readTarget(slices, into);
    // Words keep the bits of NaN.
    const out = new Uint32Array(target.buffer, target.byteOffset, target.length);
    let at = 0;
    for (const { slot, offset, length } of slices) {
      out.set(this.#words(slot).subarray(offset, offset + length), at);
      at += length;
    }
    return Promise.resolve(target);
  }

  stage(slices: readonly SlotSlice[]): StagedRead {
    return stagedCopy(this, slices);
  }

  copy(from: string, to: string, length: number): void {
    this.#words(to).set(this.#words(from).subarray(0, length));
  }

  #words(name: string): Uint32Array {
    const slot = this.#slots.get(name);
    if (slot === undefined) throw new RangeError(`Cannot use slot ${name}: it was never made`);
    return new Uint32Array(this.linear.buffer, slot.at, slot.size);
  }
}
