/** The interface of devices, which run plans. */
import type { Plan } from "../plan/types.ts";
import type { Target } from "../graph/types.ts";

/** A contiguous slice of a slot, in elements of 4 bytes. */
export interface SlotSlice {
  /** Name of the slot. */
  readonly slot: string;
  /** First element. */
  readonly offset: number;
  /** Number of elements. */
  readonly length: number;
}

/** Array for the elements of slices: `into` or a new one. @throws {RangeError} for another length. */
export function readTarget(slices: readonly SlotSlice[], into?: Float32Array): Float32Array {
  const total = slices.reduce((sum, { length }) => sum + length, 0);
  if (into === undefined) return new Float32Array(total);
  if (into.length === total) return into;
  throw new RangeError(`Cannot read ${total} elements: needs an array of them: ${into.length}`);
}

/** Slices copied aside in the memory of the host, where work ends when it returns. */
export function stagedCopy(memory: Memory, slices: readonly SlotSlice[]): StagedRead {
  const copied = memory.read(slices);
  return {
    map: () => {},
    take: async (into) => readTarget(slices, into).set(await copied),
  };
}

/** Device buffers (slots) that several programs share by name. */
export interface Memory {
  /**
   * Writes 4-byte elements at element `offset` of a slot. @throws {RangeError} on an unknown slot.
   */
  write(slot: string, data: Float32Array | Uint32Array, offset?: number): void;
  /**
   * Reads slices, concatenated, after all work submitted before; elements of u32 slots keep their
   * bits. They are written to `into`, if given, else to a new array. @throws {RangeError} on an unknown
   * slot, and unless `into` has the length of all slices.
   */
  read(slices: readonly SlotSlice[], into?: Float32Array): Promise<Float32Array>;
  /** Copies slices aside, concatenated, after all work submitted before; they are taken later. */
  stage(slices: readonly SlotSlice[]): StagedRead;
  /** Copies `length` elements from the start of one slot to another. */
  copy(from: string, to: string, length: number): void;
  /** Creates a slot of `size` zeros if it does not exist. @throws {RangeError} if it is smaller. */
  ensure(slot: string, size: number): void;
}

/** Slices that were copied aside. */
export interface StagedRead {
  /**
   * Waits until the copy is there, if the runtime can only wait in this way: Deno's WebGPU blocks
   * until the queue is idle. Work that is submitted afterwards runs during {@linkcode take}.
   */
  map(): void;
  /** Writes the elements to `into`, once. @throws {RangeError} unless it has their number. */
  take(into: Float32Array): Promise<void>;
}

/** A loaded plan; running it allocates nothing. */
export interface Program {
  /** Runs all calls once; on a GPU it returns when they are submitted to the queue. */
  run(): void;
  /**
   * Runs the calls from index `from` to `to` - 1 of the plan; all calls in parts are one run. Undefined
   * on a device that computes on the cores of the host: there nothing can be done meanwhile.
   */
  readonly runPart?: (from: number, to: number) => void;
}

/** Progress of kernel compilation. */
export interface KernelCount {
  /** Kernels compiled so far. */
  readonly done: number;
  /** Kernels known to be needed. */
  readonly total: number;
}

/** Kernel compilation with progress reports. */
export interface CompileOptions {
  /** Called when more kernels are compiled; awaited, so that it can yield to the event loop. */
  readonly progress: (kernels: KernelCount) => void | Promise<void>;
  /** This process's share among `of` processes that compile the same kernels: it starts with it. */
  readonly share?: { readonly index: number; readonly of: number };
}

/** A device that runs plans. */
export interface Device {
  /** Limits that kernels are selected for. */
  readonly target: Target;
  /** Name of the adapter, as logs and manifests show it. */
  readonly name: string;
  /** How it computes, where that changes its speed and no bits. */
  readonly mode?: string;
  /** Largest binding in bytes. */
  readonly bindingBytes: number;
  /** Largest buffer in bytes. */
  readonly bufferBytes: number;
  /** SHA-256 (hex) over the set of kernels compiled so far; `reference` on the reference device. */
  readonly shaders: string;
  /** Creates an empty set of shared slots. */
  memory(): Memory;
  /** Announces plans to be loaded, so that progress reports have the total of their kernels. */
  expect(plans: readonly Plan[]): void;
  /**
   * Creates a plan's buffers, pipelines and bind groups. @throws {UserError} `tooLarge` when a
   * tensor exceeds a binding, or device memory is exhausted.
   */
  load(plan: Plan, memory: Memory): Promise<Program>;
  /** Resolves with the reason if the device is lost; never otherwise. */
  readonly lost: Promise<string>;
  /** Destroys the device; its programs can no longer run. */
  close(): void;
}

/** Begin and end of a pass, in seconds since the first timed pass began. */
export interface PassTime {
  /** Begin in seconds. */
  readonly begin: number;
  /** End in seconds. */
  readonly end: number;
}

/** A device that times its passes: runs of programs. */
export interface TimedDevice extends Device {
  /** Total seconds of passes on the device; undefined without a clock. */
  passSeconds(): Promise<number | undefined>;
  /**
   * Times of the passes since the last call, in order of submission; undefined without a clock.
   * Passes after the first {@linkcode passesFree} are not timed.
   */
  passes(): Promise<readonly PassTime[] | undefined>;
  /** Passes that can still be timed until {@linkcode passes} is called; 0 without a clock. */
  readonly passesFree: number;
}
