/**
 * Layers as functions from tensors to tensors, which declare their parameters in a scope. All
 * tensors are f32 except token ids (u32). B batch, T time, D width, V vocabulary.
 */
import { embedding } from "../../kernels/embedding/mod.ts";
import { applyLayerNorm as normalise } from "../../kernels/layer_norm/mod.ts";
import { matmul } from "../../kernels/matmul/mod.ts";
import { pointwise } from "../../kernels/pointwise/mod.ts";
import { broadcastTime, poolTime } from "../../kernels/shape/mod.ts";
import type { Tensor } from "../graph/types.ts";
import { dropoutFormula, GELU, GELU_ERF, PRODUCT, scaleFormula, SUM } from "./formulas.ts";
import type { Scope } from "./scope.ts";
import { sinusoids } from "./sinusoids.ts";

/** Standard deviation of initial weights (Radford et al. 2018, section 4.1). */
const STD = 0.02;

/** x + y; y may broadcast along leading axes. @throws {RangeError} when it does not fit. */
export function plus(x: Tensor, y: Tensor): Tensor {
  return pointwise(SUM, [x, y]);
}

/** GELU in its tanh form, elementwise (Hendrycks and Gimpel 2016, section 2). */
export function gelu(x: Tensor): Tensor {
  return pointwise(GELU, [x]);
}

/** GELU by the error function, elementwise, as BERT has it. */
export function geluErf(x: Tensor): Tensor {
  return pointwise(GELU_ERF, [x]);
}

/** x * factor, elementwise. */
export function scaled(x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : pointwise(scaleFormula(factor), [x]);
}

/**
 * Inverted dropout in training mode: 0 with probability `p`, else x / (1 - p) (Srivastava et al.
 * 2014, section 10). With `shared`, all time steps of x [B, T, D] use one mask (Gal and Ghahramani
 * 2016).
 */
export function dropout(
  scope: Scope,
  x: Tensor,
  p: number,
  { shared = false }: { shared?: boolean } = {},
): Tensor {
  if (!scope.training || p === 0) return x;
  const { key, site } = scope.random();
  if (!shared) return pointwise(dropoutFormula(p, site), [x, key]);
  const [batch, time, width] = x.shape as [number, number, number];
  const ones = scope.trace.constant([batch, width], new Float32Array(batch * width).fill(time));
  const mask = broadcastTime(pointwise(dropoutFormula(p, site), [ones, key]), {
    time,
    kind: "mean",
  });
  return pointwise(PRODUCT, [x, mask]);
}

/** Pools x [B, T, D] to [B, D]: the last time step, or the mean over time. */
export function readout(x: Tensor, kind: "last" | "mean"): Tensor {
  return poolTime(x, kind);
}

/**
 * Linear layer x W + b: [..., K] to [..., width], with parameters `weight` [K, width] and `bias`.
 * `scale` multiplies the standard deviation of the initial weights, `lrScale` their learning rate.
 * `hidden`: whether it is a hidden layer, whose weight matrix Muon orthogonalises; false for a head.
 * `parts`: numbers of outputs, where the weight consists of several matrices.
 */
export function linear(scope: Scope, x: Tensor, options: LinearOptions): Tensor {
  const { weight, bias } = linearOf(scope, x, options);
  const product = matmul(x, weight);
  return bias === undefined ? product : plus(product, bias);
}

/** Options of {@linkcode linear}. */
export interface LinearOptions {
  /** Features of the result. */
  readonly width: number;
  /** Whether it has a bias; default true. */
  readonly bias?: boolean;
  /** Standard deviation of the initial weights; default 0.02. */
  readonly std?: number;
  /** Factor of the standard deviation of the initial weights. */
  readonly scale?: number;
  /** Factor of the weights' learning rate. */
  readonly lrScale?: number;
  /** Whether it is a hidden layer, whose matrix Muon orthogonalises; default true. */
  readonly hidden?: boolean;
  /** Numbers of outputs, where the weight consists of several matrices. */
  readonly parts?: readonly number[];
}

/** Declares the parameters of {@linkcode linear} for inputs x [..., K]. */
export function linearOf(
  scope: Scope,
  x: Tensor,
  { width, bias = true, std = STD, scale = 1, lrScale = 1, hidden = true, parts }: LinearOptions,
): { readonly weight: Tensor; readonly bias: Tensor | undefined } {
  const inner = x.shape.at(-1) as number;
  const init = { kind: "normal", std: std * scale } as const;
  return {
    weight: scope.param("weight", [inner, width], init, {
      lrScale,
      ...hidden && { hidden: { axes: "in_out", ...parts !== undefined && { parts } } },
    }),
    bias: bias ? scope.param("bias", [width], { kind: "zeros" }) : undefined,
  };
}

/**
 * Layer normalisation over the last axis (Ba et al. 2016), with gain `weight` and `bias`; `eps` is
 * added to the variance, 1e-5 unless given.
 */
export function layerNorm(scope: Scope, x: Tensor, { eps }: { eps?: number } = {}): Tensor {
  const width = x.shape.at(-1) as number;
  const gamma = scope.param("weight", [width], { kind: "ones" });
  const beta = scope.param("bias", [width], { kind: "zeros" });
  return normalise(x, eps === undefined ? { gamma, beta } : { gamma, beta, eps });
}

/** Sizes of a token embedding. */
export interface Table {
  /** V */
  readonly vocabulary: number;
  /** D */
  readonly width: number;
  /** Standard deviation of the initial values. */
  readonly std?: number;
}

/** Token embedding: ids u32 [B, T] to [B, T, D], with parameter `weight` [V, D]. */
export function embed(scope: Scope, ids: Tensor, sizes: Table): Tensor {
  return embedding(tableOf(scope, sizes), ids);
}

/** Logits by the transposed token embedding (weight tying): [B, T, D] to [B, T, V]. */
export function unembed(scope: Scope, x: Tensor, sizes: Table): Tensor {
  return matmul(x, tableOf(scope, sizes), { tb: true });
}

/** Declares the parameter of {@linkcode embed}. */
export function tableOf(scope: Scope, { vocabulary, width, std = STD }: Table): Tensor {
  return scope.param("weight", [vocabulary, width], { kind: "normal", std });
}

/**
 * Adds position embeddings to x [B, T, D]: a learned table [T, D], or sinusoids (Vaswani et al.
 * 2017, section 3.5). When decoding, those of the new tokens' positions.
 */
export function positions(scope: Scope, x: Tensor, kind: "learned" | "sinusoidal"): Tensor {
  const [time, width] = x.shape.slice(-2) as [number, number];
  const rows = scope.decode?.context ?? time;
  const table = kind === "learned"
    ? scope.param("weight", [rows, width], { kind: "normal", std: STD })
    : scope.trace.constant([rows, width], sinusoids(rows, width));
  return plus(x, scope.decode === undefined ? table : embedding(table, scope.positions(time)));
}
