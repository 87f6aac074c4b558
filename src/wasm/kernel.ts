/** The WebAssembly form of an op's call. */
import type { Body } from "./body.ts";
import type { Area } from "./values.ts";

/** The properties of a CPU device that kernels are printed for. No choice by it changes bits. */
export interface WasmTarget {
  /** Whether V8 joins pairs of neighbouring vector operations into 256-bit operations. */
  readonly pairs: boolean;
}

/** Where a kernel reads and writes. */
export interface KernelAreas {
  readonly inputs: readonly Area[];
  /** An output that is updated in place has the address of its input. */
  readonly outputs: readonly Area[];
  /** Undefined contents, for this call alone. */
  readonly scratch: Area;
}

/** The kernel of one call. */
export interface WasmKernel {
  /** Bytes of scratch memory; default: 0. */
  readonly scratch?: number;
  /** Prints the body. */
  readonly print: (b: Body, areas: KernelAreas) => void;
}
