/** Root mean square norm and the feed-forward layer. D width, H hidden width. */
import { swiglu } from "../../kernels/pointwise/mod.ts";
import { applyRmsNorm } from "../../kernels/rms_norm/mod.ts";
import type { Tensor } from "../graph/types.ts";
import { relu, silu } from "./elementwise.ts";
import { gelu, geluErf, linear } from "./layers.ts";
import type { Scope } from "./scope.ts";

/**
 * Root mean square normalisation over the last axis (Zhang and Sennrich 2019), with gain `weight`.
 */
export function rmsNorm(scope: Scope, x: Tensor, { eps = 1e-5 }: { eps?: number } = {}): Tensor {
  const gain = scope.param("weight", [x.shape.at(-1) as number], { kind: "ones" });
  return applyRmsNorm(x, { gain, eps });
}

/** Activations of {@linkcode mlp}, `gelu` in its tanh form. `swiglu` gates H features by H others (Shazeer 2020). */
export type Activation = "gelu" | "gelu_erf" | "relu" | "silu" | "swiglu";

const ACTIVATIONS: Readonly<Record<Activation, (x: Tensor) => Tensor>> = {
  gelu,
  gelu_erf: geluErf,
  relu,
  silu,
  swiglu,
};

/** An activation, elementwise; `swiglu` halves the last axis. */
export function activated(x: Tensor, activation: Activation): Tensor {
  return ACTIVATIONS[activation](x);
}

/**
 * Feed-forward layer: x [..., D] to H features (`up`; 2H with `swiglu`), the activation, and back to
 * D (`down`). `scale` multiplies the standard deviation of the initial weights of `down`.
 */
export function mlp(
  scope: Scope,
  x: Tensor,
  { hidden, activation = "gelu", bias = true, scale = 1 }: {
    hidden: number;
    activation?: Activation;
    bias?: boolean;
    scale?: number;
  },
): Tensor {
  const parts = activation === "swiglu" ? [hidden, hidden] : [hidden];
  const width = parts.reduce((sum, outputs) => sum + outputs);
  const features = ACTIVATIONS[activation](linear(scope.in("up"), x, { width, bias, parts }));
  return linear(scope.in("down"), features, { width: x.shape.at(-1) as number, bias, scale });
}
