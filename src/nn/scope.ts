/**
 * What a layer asks for while a model is traced: parameters by name, and random keys for dropout.
 * Names nest by `in`. It knows no layer.
 */
import type { Key } from "../base/random.ts";
import { foldName, normals, uniforms } from "../base/random.ts";
import type { Shape } from "../base/shape.ts";
import { sizeOf } from "../base/shape.ts";
import type { Tensor, Trace } from "../graph/types.ts";

/** How a parameter begins. */
export type Init =
  | { readonly kind: "zeros" }
  | { readonly kind: "ones" }
  | { readonly kind: "normal"; readonly std: number }
  /** Uniform in [-bound, bound). */
  | { readonly kind: "uniform"; readonly bound: number }
  /** A square matrix that changes nothing. */
  | { readonly kind: "identity" }
  /** Equal blocks along the first axis, each of one value. */
  | { readonly kind: "blocks"; readonly values: readonly number[] };

/** A parameter as the model declared it. Weights of two or more axes decay. */
export interface Param {
  /** Full name, as checkpoints have it. */
  readonly name: string;
  /** Sizes of its axes. */
  readonly shape: Shape;
  /** How it begins. */
  readonly init: Init;
  /** Whether weight decay applies. */
  readonly decay: boolean;
  /** Factor of its learning rate; 1 where the model says nothing. */
  readonly lrScale: number;
  /** The traced tensor. */
  readonly tensor: Tensor;
}

/** A state that a model carries from one batch to the next. */
export interface Carry {
  /** Full name, as checkpoints have it. */
  readonly name: string;
  /** Its value from the batch before: the gradient stops here. */
  readonly tensor: Tensor;
  /** Its value for the batch after; set by {@linkcode Scope.keep}. */
  readonly next?: Tensor;
}

/** Tokens come some at a time, and the model remembers those before them. */
export interface Decode {
  /** T: tokens that it remembers at most, itself included. */
  readonly context: number;
}

/** A place in the tree of names. */
export interface Scope {
  /** The trace under way. */
  readonly trace: Trace;
  /** True when dropout is on. */
  readonly training: boolean;
  /** Set where the model is fed tokens one after the other. */
  readonly decode: Decode | undefined;
  /** The scope below `name`. */
  in(name: string): Scope;
  /** Declares a parameter; twice the same name is the same tensor. */
  param(name: string, shape: Shape, init: Init, options?: { readonly lrScale?: number }): Tensor;
  /** A state [B, ...] as the batch before left it: zeros where a sequence begins. */
  carry(name: string, shape: Shape): Tensor;
  /** Leaves `next` as the value of `carry` for the batch after. */
  keep(carry: Tensor, next: Tensor): void;
  /** What is remembered of earlier tokens, zero at first; ops write it in place. */
  cache(name: string, shape: Shape): Tensor;
  /** Where the `count` new tokens stand in the window: u32 [count], the same for all rows. */
  positions(count: number): Tensor;
  /** The micro-batch's random key (u32 pair), and a site number that no other call gets. */
  random(): { key: Tensor; site: number };
}

/** The name under which a micro-batch's random key is written. */
export const RANDOM_KEY = "random";

/** The name under which the places of new tokens are written. */
export const POSITIONS = "places";

/** What was declared below a root scope, in order of declaration. */
export interface Declared {
  /** Parameters. */
  readonly params: readonly Param[];
  /** States that pass from batch to batch. */
  readonly carries: readonly Carry[];
  /** What is remembered of earlier tokens. */
  readonly caches: readonly Tensor[];
}

/** A root scope, and what will be declared below it. */
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
    param(name, shape, init, { lrScale = 1 } = {}) {
      const full = path + name;
      const known = params.find((p) => p.name === full);
      if (known !== undefined) return known.tensor;
      const tensor = trace.source({ shape, dtype: "f32" }, "param", full);
      params.push({ name: full, shape, init, decay: shape.length > 1, lrScale, tensor });
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

/** First values of a parameter: a function of the seed's key and its name alone. */
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
