/**
 * Scopes: layers declare parameters, carried states, caches and random keys in them while a model
 * is traced. Names nest by `in`.
 */
import type { Key } from "../base/random.ts";
import { foldName, normals, uniforms } from "../base/random.ts";
import type { HiddenMatrix, Shape } from "../base/shape.ts";
import { showShape, sizeOf } from "../base/shape.ts";
import type { Tensor, Trace } from "../graph/types.ts";

/** Initialisation of a parameter. */
export type Init =
  | { readonly kind: "zeros" }
  | { readonly kind: "ones" }
  | { readonly kind: "normal"; readonly std: number }
  /** Uniform in [-bound, bound). */
  | { readonly kind: "uniform"; readonly bound: number }
  /** The identity matrix. */
  | { readonly kind: "identity" }
  /** Blocks of equal size along the first axis, each filled with one value. */
  | { readonly kind: "blocks"; readonly values: readonly number[] };

/** A declared parameter. Weight decay applies to parameters of two or more axes. */
export interface Param {
  /** Full name, as in checkpoints. */
  readonly name: string;
  /** Sizes of its axes. */
  readonly shape: Shape;
  /** Initialisation. */
  readonly init: Init;
  /** Whether weight decay applies. */
  readonly decay: boolean;
  /** Factor of its learning rate; default: 1. */
  readonly lrScale: number;
  /** Set for the weight matrix of a hidden layer. */
  readonly hidden?: HiddenMatrix;
  /** The traced tensor. */
  readonly tensor: Tensor;
}

/** Properties of a parameter that optimizers use. */
export interface ParamOptions {
  /** Factor of its learning rate; default: 1. */
  readonly lrScale?: number;
  /** For the weight matrix of a hidden layer, not of an embedding or a head. */
  readonly hidden?: HiddenMatrix;
}

/** A state that is carried from one batch to the next (truncated BPTT). */
export interface Carry {
  /** Full name, as in checkpoints. */
  readonly name: string;
  /** Its value from the previous batch; gradients stop here. */
  readonly tensor: Tensor;
  /** Its value for the next batch; set by {@linkcode Scope.keep}. */
  readonly next?: Tensor;
}

/** Incremental decoding: a call processes new tokens only, with caches of earlier ones. */
export interface Decode {
  /** T: context length in tokens, the new ones included. */
  readonly context: number;
}

/** A node in the tree of parameter names, and the trace of the model. */
export interface Scope {
  /** The trace that layers apply ops in. */
  readonly trace: Trace;
  /** Training mode: dropout is active. */
  readonly training: boolean;
  /** Set in incremental decoding. */
  readonly decode: Decode | undefined;
  /** The child scope `name`. */
  in(name: string): Scope;
  /**
   * Declares an f32 parameter; the same name returns the same tensor (weight sharing).
   * @throws {RangeError} for sizes that are no whole numbers above 0.
   */
  param(name: string, shape: Shape, init: Init, options?: ParamOptions): Tensor;
  /** An f32 state [B, ...] from the previous batch; zeros at the start of a sequence. */
  carry(name: string, shape: Shape): Tensor;
  /** Sets the value of `carry` for the next batch. @throws {RangeError} when it is not carried. */
  keep(carry: Tensor, next: Tensor): void;
  /**
   * An f32 cache, initially zero, that ops update in place. @throws {RangeError} on a used name.
   */
  cache(name: string, shape: Shape): Tensor;
  /** Positions of the `count` new tokens in the context: u32 [count], the same for all rows. */
  positions(count: number): Tensor;
  /** The micro-batch's random key (u32 [2]), and a site number that is unique in the trace. */
  random(): { key: Tensor; site: number };
}

/** Name of the source of a micro-batch's random key. */
export const RANDOM_KEY = "random";

/** Name of the source of the new tokens' positions. */
export const POSITIONS = "places";

/** Declarations below a root scope, in order. */
export interface Declared {
  /** Parameters. */
  readonly params: readonly Param[];
  /** States carried from batch to batch. */
  readonly carries: readonly Carry[];
  /** Caches of incremental decoding. */
  readonly caches: readonly Tensor[];
}

/** A root scope; the lists are filled as layers declare in it. */
export function newScope(
  trace: Trace,
  { training, decode }: { training: boolean; decode?: Decode },
): Declared & { scope: Scope } {
  const params: Param[] = [];
  const carries: Carry[] = [];
  const caches: Tensor[] = [];
  let sites = 0;
  let key: Tensor | undefined;
  let places: Tensor | undefined;
  const at = (path: string): Scope => ({
    trace,
    training,
    decode,
    in: (name) => at(`${path}${name}.`),
    param(name, shape, init, { lrScale = 1, ...options } = {}) {
      const full = path + name;
      const known = params.find((p) => p.name === full);
      if (known !== undefined) return known.tensor;
      requireSizes(full, shape);
      const tensor = trace.source({ shape, dtype: "f32" }, "param", full);
      const decay = shape.length > 1;
      params.push({ name: full, shape, init, decay, lrScale, ...options, tensor });
      return tensor;
    },
    carry(name, shape) {
      const full = path + name;
      const tensor = trace.source({ shape, dtype: "f32" }, "carry", full);
      carries.push({ name: full, tensor });
      return tensor;
    },
    keep(carry, next) {
      const at = carries.findIndex((c) => c.tensor === carry);
      if (at < 0) throw new RangeError("Cannot keep a state: it is not carried");
      carries[at] = { ...carries[at] as Carry, next };
    },
    cache(name, shape) {
      const full = path + name;
      if (caches.some((c) => c.name === full)) {
        throw new RangeError(`Cannot make cache ${full}: there is one of that name`);
      }
      const tensor = trace.source({ shape, dtype: "f32" }, "carry", full);
      caches.push(tensor);
      return tensor;
    },
    positions(count) {
      places ??= trace.source({ shape: [count], dtype: "u32" }, "batch", POSITIONS);
      return places;
    },
    random() {
      key ??= trace.source({ shape: [2], dtype: "u32" }, "scalar", RANDOM_KEY);
      return { key, site: sites++ };
    },
  });
  return { scope: at(""), params, carries, caches };
}

/** @throws {RangeError} for sizes that are no whole numbers above 0, as a width of 1.5. */
function requireSizes(name: string, shape: Shape): void {
  if (shape.every((size) => Number.isInteger(size) && size > 0)) return;
  throw new RangeError(
    `Cannot declare ${name}: need sizes that are whole numbers above 0: ${showShape(shape)}`,
  );
}

/** Initial values of a parameter: a function of the seed's key and its name, shape and init. */
export function initialValues(
  key: Key,
  { name, shape, init }: Omit<Param, "lrScale" | "tensor">,
): Float32Array {
  const n = sizeOf(shape);
  if (init.kind === "zeros") return new Float32Array(n);
  if (init.kind === "ones") return new Float32Array(n).fill(1);
  const own = foldName(key, name);
  switch (init.kind) {
    case "normal":
      return normals(own, n).map((z) => z * init.std);
    case "uniform":
      return uniforms(own, n, [-init.bound, init.bound]);
    case "identity": {
      const side = shape.at(-1) as number;
      return Float32Array.from({ length: n }, (_, i) => i % (side + 1) === 0 ? 1 : 0);
    }
    case "blocks": {
      const { values } = init;
      return Float32Array.from(
        { length: n },
        (_, i) => values[Math.floor(i * values.length / n)] as number,
      );
    }
  }
}
