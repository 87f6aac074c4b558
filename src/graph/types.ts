/**
 * Types of traced graphs: tensors, calls and ops. An op bundles its shape rule, kernels, reference,
 * vjp, cost and test cases.
 */
import type { Shape } from "../base/shape.ts";
import type { WasmKernel, WasmTarget } from "../wasm/kernel.ts";

/** Element type. */
export type DType = "f32" | "u32";

/** Shape and element type of a tensor. */
export interface Spec {
  /** Sizes of the axes, outermost first. */
  readonly shape: Shape;
  /** Element type. */
  readonly dtype: DType;
}

/**
 * Storage class of a tensor: the host writes `batch` and `scalar` before a step; `param`, `grad`
 * and `moment` are in flat buffers that several plans share; `carry` is state carried from one
 * batch to the next; `const` is written once at load; `local` shares pooled buffers of one plan.
 */
export type Role = "batch" | "scalar" | "param" | "grad" | "moment" | "carry" | "const" | "local";

/** A value in a trace. */
export interface Tensor extends Spec {
  /** Index within its trace. */
  readonly id: number;
  /** Storage class. */
  readonly role: Role;
  /** Name of a source. */
  readonly name?: string;
  /** The trace that made it. */
  readonly trace: Trace;
}

/** A spec with its elements, as reference implementations read and write them. */
export interface View extends Spec {
  /** Elements in row-major order. */
  readonly data: Float32Array | Float64Array | Uint32Array;
}

/** Inputs and outputs of a call. */
export interface Io<T> {
  /** Read. */
  readonly inputs: readonly T[];
  /** Written. */
  readonly outputs: readonly T[];
}

/** Static attributes of a call: plain values and formulas. */
// deno-lint-ignore no-explicit-any
export type Attrs = any;

/** One op applied to tensors (in a graph) or to regions (in a plan). */
export interface Call<T> extends Io<T> {
  /** The op. */
  readonly op: Op;
  /** Its static attributes. */
  readonly attrs: Attrs;
  /** Of a composed op: the calls of other ops that compute the outputs from the inputs. */
  readonly parts?: readonly Call<T>[];
}

/** A tensor with values known at trace time. */
export interface Constant {
  /** The tensor. */
  readonly tensor: Tensor;
  /** Its values in row-major order. */
  readonly data: Float32Array;
}

/** Records calls in order; ops are applied through it. */
export interface Trace {
  /** Calls in order of application. */
  readonly calls: readonly Call<Tensor>[];
  /** Tensors with known values. */
  readonly constants: readonly Constant[];
  /** A graph input: a tensor that no call produces. */
  source(spec: Spec, role: Role, name?: string): Tensor;
  /** An f32 tensor with known values. @throws {RangeError} when sizes differ. */
  constant(shape: Shape, data: Float32Array): Tensor;
  /** Applies `op` and returns its outputs. @throws {RangeError} from the op's shape rule. */
  apply(op: Op, inputs: readonly Tensor[], attrs: Attrs): readonly Tensor[];
}

/** A traced computation and its results by name. */
export interface Graph {
  /** Calls in order of application. */
  readonly calls: readonly Call<Tensor>[];
  /** Tensors with known values. */
  readonly constants: readonly Constant[];
  /** Result tensors by name. */
  readonly results: Readonly<Record<string, Tensor>>;
}

/** A gradient; undefined stands for zero (no dependence). */
export type Grad = Tensor | undefined;

/** The limits of an adapter that kernels depend on. */
export interface Target {
  /** `cpu` for software drivers: invocations are SIMD lanes, and barriers are expensive. */
  readonly kind: "cpu" | "gpu";
  /** Bytes of workgroup memory per workgroup. */
  readonly workgroupBytes: number;
  /** Largest number of invocations in a workgroup. */
  readonly invocations: number;
  /** Largest number of workgroups along one axis of a dispatch. */
  readonly groups: number;
  /** Set for the CPU device, whose kernels are WebAssembly: whether multiply-add is fused. */
  readonly fuses?: boolean;
  /** Subgroup size, if kernels may use subgroups and all have the same size. */
  readonly lanes?: number;
}

/** The range of a tensor's elements that is bound; default: all. */
export interface BindingSpan {
  /** First element; a multiple of 64 (bindings start at multiples of 256 bytes). */
  readonly offset?: number;
  /** Number of elements; default: to the end of the tensor. */
  readonly length?: number;
}

/** A tensor bound to a launch: inputs are bound `read`, outputs `read_write`. */
export type Binding = BindingSpan & ({ readonly input: number } | { readonly output: number });

/** One dispatch: WGSL with an entry point `main`, and the bindings of bind group 0, in order. */
export interface Launch {
  /** Source of the shader module. */
  readonly wgsl: string;
  /** Values of `override` constants. */
  readonly constants?: Readonly<Record<string, number>>;
  /** Bindings 0, 1, ... of bind group 0. */
  readonly bindings: readonly Binding[];
  /** Workgroups along x, y and z. */
  readonly groups: readonly [number, number, number];
}

/** Work of a call. Test tolerances follow from `terms`, the length of its longest sum. */
export interface Cost {
  /** Floating-point operations. */
  readonly flops: number;
  /** Least bytes read and written. */
  readonly bytes: number;
  /** Terms of the longest sum. */
  readonly terms: number;
}

/** An instance of an op from which tests and benches are generated. */
export interface Case {
  /** `tile`: at tile edges; `ragged`: sizes that no tile divides; `bench`: also timed. */
  readonly kind: "tile" | "ragged" | "bench";
  /** Specs of the inputs. */
  readonly inputs: readonly Spec[];
  /** Static attributes. */
  readonly attrs: Attrs;
  /** Exclusive upper bound of random u32 inputs, by input. */
  readonly below?: Readonly<Record<number, number>>;
  /** Range of random f32 inputs, by input; default: [-1, 1). */
  readonly range?: Readonly<Record<number, readonly [number, number]>>;
  /** Overwrites inputs that must be consistent with others, such as a row's statistics. */
  readonly fill?: (views: readonly View[]) => void;
}

/** A differentiable operation: shape rule, kernels, reference, vjp, cost and cases. */
export interface Op {
  /** Name, unique in the op table. */
  readonly name: string;
  /**
   * Specs of the outputs. @throws {RangeError} naming the op and the axis when inputs do not fit.
   */
  shape(inputs: readonly Spec[], attrs: Attrs): readonly Spec[];
  /** The dispatches of a call, in order. */
  launch(io: Io<Spec>, attrs: Attrs, target: Target): readonly Launch[];
  /**
   * The kernel of a call on a CPU device; without it the device runs the reference. The emitter is
   * not public yet.
   * @ignore
   */
  wasm?(io: Io<Spec>, attrs: Attrs, target: WasmTarget): WasmKernel;
  /** The reference in plain loops, which defines the op. */
  reference(io: Io<View>, attrs: Attrs): void;
  /** Work of a call, for tolerances and benches. */
  cost(io: Io<Spec>, attrs: Attrs): Cost;
  /** Traces the gradients of the inputs from those of the outputs (vector-Jacobian product). */
  vjp?(io: Io<Tensor>, dout: readonly Grad[], attrs: Attrs): readonly Grad[];
  /** In-place updates: output k reuses the buffer of input `donate[k]`; undefined: a new buffer. */
  donate?(attrs: Attrs): readonly (number | undefined)[];
  /** Whether the output has the elements of input 0 in their order: a plan copies only if it must. */
  readonly isView?: boolean;
  /** Whether a call is cheap enough to be recomputed instead of keeping its output. */
  cheap?(attrs: Attrs): boolean;
  /**
   * Fuses `next`, an elementwise reader of the last output, as the epilogue of `call`; `keep`: that
   * output is still needed. Undefined when they cannot be fused.
   */
  absorb?(call: Call<Tensor>, next: Call<Tensor>, keep: boolean): Absorbed | undefined;
  /**
   * Of a composed op ({@linkcode defineOp}): traces the outputs by other ops. @throws {RangeError}
   * naming the op when inputs do not fit.
   */
  compose?(inputs: readonly Tensor[], attrs: Attrs): readonly Tensor[];
  /** Set for a composed op without kernels: a plan runs the parts of its calls instead. */
  readonly isExpanded?: boolean;
  /** Cases for tests and benches. */
  readonly cases: readonly Case[];
}

/**
 * A fused call. Its outputs are those of the first call that are kept, then those of the second.
 */
export interface Absorbed {
  /** The op. */
  readonly op: Op;
  /** Its static attributes. */
  readonly attrs: Attrs;
  /** Inputs of the fused call. */
  readonly inputs: readonly Tensor[];
}
