/**
 * What a layer asks for while a model is traced: parameters by name, and random keys for dropout.
 * Names nest by `in`. It knows no layer.
 */
import type { Key } from "../base/random.ts";
import { foldName, normals } from "../base/random.ts";
import type { Shape } from "../base/shape.ts";
import { sizeOf } from "../base/shape.ts";
import type { Tensor, Trace } from "../graph/types.ts";

/** How a parameter begins. */
export type Init =
  | { readonly kind: "zeros" }
  | { readonly kind: "ones" }
  | { readonly kind: "normal"; readonly std: number };

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
  /** The traced tensor. */
  readonly tensor: Tensor;
}

/** A place in the tree of names. */
export interface Scope {
  /** The trace under way. */
  readonly trace: Trace;
  /** True when dropout is on. */
  readonly training: boolean;
  /** The scope below `name`. */
  in(name: string): Scope;
  /** Declares a parameter; twice the same name is the same tensor. */
  param(name: string, shape: Shape, init: Init): Tensor;
  /** The micro-batch's random key (u32 pair), and a site number that no other call gets. */
  random(): { key: Tensor; site: number };
}

/** The name under which a micro-batch's random key is written. */
export const RANDOM_KEY = "random";

/** A root scope, and the parameters declared below it, in order of declaration. */
export function newScope(
  trace: Trace,
  { training }: { training: boolean },
): { scope: Scope; params: readonly Param[] } {
  const params: Param[] = [];
  let sites = 0;
  let key: Tensor | undefined;
  const at = (path: string): Scope => ({
    trace,
    training,
    in: (name) => at(`${path}${name}.`),
    param(name, shape, init) {
      const full = path + name;
      const known = params.find((p) => p.name === full);
      if (known !== undefined) return known.tensor;
      const tensor = trace.source({ shape, dtype: "f32" }, "param", full);
      params.push({ name: full, shape, init, decay: shape.length > 1, tensor });
      return tensor;
    },
    random() {
      key ??= trace.source({ shape: [2], dtype: "u32" }, "scalar", RANDOM_KEY);
      return { key, site: sites++ };
    },
  });
  return { scope: at(""), params };
}

/** First values of a parameter: a function of the seed's key and its name alone. */
export function initialValues(
  key: Key,
  { name, shape, init }: Omit<Param, "tensor">,
): Float32Array {
  const n = sizeOf(shape);
  if (init.kind === "zeros") return new Float32Array(n);
  if (init.kind === "ones") return new Float32Array(n).fill(1);
  return normals(foldName(key, name), n).map((z) => z * init.std);
}
