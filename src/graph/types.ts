/**
 * What a graph is made of. An op knows shapes, kernels, its reference and its derivative;
 * it never knows models, plans or devices.
 */
import type { Shape } from "../base/shape.ts";

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
 * Where a tensor lives: `batch` and `scalar` are written by the host before a step, `param`,
 * `grad` and `moment` stand in flat buffers that several plans share, `carry` is a state
 * that one batch leaves for the next, `const` is written once at load, `local` is pooled by the
 * planner.
 */
export type Role = "batch" | "scalar" | "param" | "grad" | "moment" | "carry" | "const" | "local";

/** A value in a trace. */
export interface Tensor extends Spec {
  /** Number within its trace. */
  readonly id: number;
  /** Where it lives. */
  readonly role: Role;
  /** Name of a source. */
  readonly name?: string;
  /** The trace that made it. */
  readonly trace: Trace;
}

/** Elements behind a spec, as references read and write them. */
export interface View extends Spec {
  /** Elements in row-major order. */
  readonly data: Float32Array | Float64Array | Uint32Array;
}

/** Inputs and outputs of a call. */
export interface Io<T> {
  /** What is read. */
  readonly inputs: readonly T[];
  /** What is written. */
  readonly outputs: readonly T[];
}

/** Static settings of a call: plain values, and formulas. */
// deno-lint-ignore no-explicit-any
export type Attrs = any;

/** One op applied to tensors (in a graph) or to regions (in a plan). */
export interface Call<T> extends Io<T> {
  /** The op. */
  readonly op: Op;
  /** Its settings. */
  readonly attrs: Attrs;
}

/** A tensor whose values are known when the graph is made. */
export interface Constant {
  /** The tensor. */
  readonly tensor: Tensor;
  /** Its values in row-major order. */
  readonly data: Float32Array;
}

/** Records calls in order; ops are applied through it. */
export interface Trace {
  /** Calls in order. */
  readonly calls: readonly Call<Tensor>[];
  /** Tensors of known values. */
  readonly constants: readonly Constant[];
  /** A tensor that no call makes. */
  source(spec: Spec, role: Role, name?: string): Tensor;
  /** A tensor of known values. */
  constant(shape: Shape, data: Float32Array): Tensor;
  /** Applies `op`; gives its outputs. */
  apply(op: Op, inputs: readonly Tensor[], attrs: Attrs): readonly Tensor[];
}

/** A traced computation and the tensors wanted from it, by name. */
export interface Graph {
  /** Calls in order. */
  readonly calls: readonly Call<Tensor>[];
  /** Tensors of known values. */
  readonly constants: readonly Constant[];
  /** Wanted tensors by name. */
  readonly results: Readonly<Record<string, Tensor>>;
}

/** A gradient, or undefined where none flows. */
export type Grad = Tensor | undefined;

/** What an adapter offers, as launches may use it. */
export interface Target {
  /** `cpu` for software drivers, whose threads are SIMD lanes and whose barriers are dear. */
  readonly kind: "cpu" | "gpu";
  /** Bytes of workgroup memory. */
  readonly workgroupBytes: number;
  /** Largest number of invocations in a workgroup. */
  readonly invocations: number;
  /** Largest number of workgroups along one axis. */
  readonly groups: number;
  /** Invocations of every subgroup, where kernels may use subgroups and all have the same size. */
  readonly lanes?: number;
}

/** The elements of a tensor that a binding shows; all of them unless told. */
export interface BindingSpan {
  /** First element; a multiple of 64 (bindings start at multiples of 256 bytes). */
  readonly offset?: number;
  /** Number of elements; to the end of the tensor unless told. */
  readonly length?: number;
}

/** A tensor bound to a launch: inputs are bound `read`, outputs `read_write`. */
export type Binding = BindingSpan & ({ readonly input: number } | { readonly output: number });

/** One dispatch: WGSL with an entry point `main` whose bindings stand in group 0, in order. */
export interface Launch {
  /** Source of the shader module. */
  readonly wgsl: string;
  /** Values of `override` constants. */
  readonly constants?: Readonly<Record<string, number>>;
  /** What binding 0, 1... of group 0 hold. */
  readonly bindings: readonly Binding[];
  /** Workgroups along x, y and z. */
  readonly groups: readonly [number, number, number];
}

/** What a call costs. `terms` is the length of its longest sum: it sets the tolerance. */
export interface Cost {
  /** Floating-point operations. */
  readonly flops: number;
  /** Bytes read and written at least. */
  readonly bytes: number;
  /** Terms of the longest sum. */
  readonly terms: number;
}

/** An instance from which tests and benches are derived. */
export interface Case {
  /** `tile`: at the edges of a tile; `ragged`: odd sizes; `bench`: also timed. */
  readonly kind: "tile" | "ragged" | "bench";
  /** Specs of the inputs. */
  readonly inputs: readonly Spec[];
  /** Its settings. */
  readonly attrs: Attrs;
  /** Exclusive upper bound of random u32 inputs, by input. */
  readonly below?: Readonly<Record<number, number>>;
  /** Range of random f32 inputs, by input; [-1, 1) unless told. */
  readonly range?: Readonly<Record<number, readonly [number, number]>>;
  /** Values of inputs that must be consistent with others (a row's statistics, say). */
  readonly fill?: (views: readonly View[]) => void;
}

/** A layer step: shape rule, kernels, reference, derivative, cost and cases, in one file. */
export interface Op {
  /** Name, unique in the op table. */
  readonly name: string;
  /** Specs of the outputs. @throws {RangeError} naming op and axis. */
  shape(inputs: readonly Spec[], attrs: Attrs): readonly Spec[];
  /** The dispatches of a call, in order. */
  launch(io: Io<Spec>, attrs: Attrs, target: Target): readonly Launch[];
  /** Plain loops: the definition. */
  reference(io: Io<View>, attrs: Attrs): void;
  /** Work of a call, from which tolerances and benches follow. */
  cost(io: Io<Spec>, attrs: Attrs): Cost;
  /** Gradients of the inputs (undefined where none flows), traced behind the forward calls. */
  vjp?(io: Io<Tensor>, dout: readonly Grad[], attrs: Attrs): readonly Grad[];
  /** Output k takes the place of input `donate[k]` (undefined: a place of its own). */
  donate?(attrs: Attrs): readonly (number | undefined)[];
  /** Whether a call costs little beside reading and writing, so that it may be done twice. */
  cheap?(attrs: Attrs): boolean;
  /** This op with `next`, which reads output 0 elementwise, done as its epilogue. */
  absorb?(call: Call<Tensor>, next: Call<Tensor>, keep: boolean): Absorbed | undefined;
  /** Instances for tests and benches. */
  readonly cases: readonly Case[];
}

/** A fused call: its inputs, attributes, and outputs (of the first call if kept, then the second). */
export interface Absorbed {
  /** The op. */
  readonly op: Op;
  /** Its settings. */
  readonly attrs: Attrs;
  /** Inputs of the fused call. */
  readonly inputs: readonly Tensor[];
}
