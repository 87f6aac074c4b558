/** What every device offers; a plan runs on each alike. */
import type { Plan } from "../plan/types.ts";
import type { Target } from "../graph/types.ts";

/** A stretch of a slot, in elements of 4 bytes. */
export interface SlotSlice {
  /** Name of the slot. */
  readonly slot: string;
  /** First element. */
  readonly offset: number;
  /** Number of elements. */
  readonly length: number;
}

/** Slots that several programs share by name. */
export interface Memory {
  /** Writes 4-byte elements at `offset` of a slot. */
  write(slot: string, data: Float32Array | Uint32Array, offset?: number): void;
  /** Reads stretches, one behind the other, after all that was run before. */
  read(stretches: readonly SlotSlice[]): Promise<Float32Array>;
  /** Copies `length` elements from the start of one slot to another. */
  copy(from: string, to: string, length: number): void;
  /** Makes a slot of `size` elements, zero at first, unless it is there. */
  ensure(slot: string, size: number): void;
}

/** A loaded plan. Nothing is made when it runs. */
export interface Program {
  /** Runs all calls once; on a GPU it returns as soon as they are queued. */
  run(): void;
}

/** Kernels of the plans that are loaded: how many are compiled, of how many. */
export interface KernelCount {
  /** Kernels that are compiled. */
  readonly done: number;
  /** Kernels that are known to be needed. */
  readonly total: number;
}

/** How kernels are compiled while somebody follows the progress. */
export interface CompileOptions {
  /** Told whenever more kernels are compiled; it is awaited, so that other events get their turn. */
  readonly progress: (kernels: KernelCount) => void | Promise<void>;
  /** Of `of` processes that compile the same kernels, this one begins with its own share. */
  readonly share?: { readonly index: number; readonly of: number };
}

/** A place where plans run. */
export interface Device {
  /** What launches are made for. */
  readonly target: Target;
  /** Name of the adapter, as logs and manifests show it. */
  readonly name: string;
  /** Largest binding in bytes. */
  readonly bindingBytes: number;
  /** Largest buffer in bytes. */
  readonly bufferBytes: number;
  /** SHA-256 (hex) over the set of kernels compiled so far; a reference says `reference`. */
  readonly shaders: string;
  /** A set of shared slots, empty at first. */
  memory(): Memory;
  /** Tells how many kernels the next calls of {@linkcode load} will compile, for the progress. */
  expect(plans: readonly Plan[]): void;
  /** Makes all that a plan needs. @throws {Refusal} `tooLarge` when it does not fit. */
  load(plan: Plan, memory: Memory): Promise<Program>;
  /** Settles only if the device is lost. */
  readonly lost: Promise<string>;
  /** Frees the device; its programs can no longer run. */
  close(): void;
}
