/**
 * Layers as functions from tensors to tensors. B batch, T time, D width, V vocabulary.
 * They declare parameters in the scope they are given and know no model.
 */
import { attention, cachedAttention } from "../../kernels/attention/mod.ts";
import { embedding } from "../../kernels/embedding/mod.ts";
import { applyLayerNorm as normalise } from "../../kernels/layer_norm/mod.ts";
import { matmul } from "../../kernels/matmul/mod.ts";
import { pointwise } from "../../kernels/pointwise/mod.ts";
import { broadcastTime, poolTime } from "../../kernels/shape/mod.ts";
import type { Tensor } from "../graph/types.ts";
import { dropoutFormula, GELU, PRODUCT, scaleFormula, SUM } from "./formulas.ts";
import type { Scope } from "./scope.ts";
import { sinusoids } from "./sinusoids.ts";

/** Standard deviation of weights at the start (Radford et al. 2018, section 4.1). */
const STD = 0.02;

/** x + y; y may repeat along leading axes. */
export function plus(x: Tensor, y: Tensor): Tensor {
  return pointwise(SUM, [x, y]);
}

/** GELU, elementwise. */
export function gelu(x: Tensor): Tensor {
  return pointwise(GELU, [x]);
}

/** x times a number, elementwise. */
export function scaled(x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : pointwise(scaleFormula(factor), [x]);
}

/**
 * Dropout while training: zero with probability `p`, else scaled by 1 / (1 - p). With `shared` all
 * time steps of x [B, T, D] have one mask (Gal and Ghahramani 2016).
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

/** One vector of each window: x [B, T, D] at its end, or its mean over time. */
export function readout(x: Tensor, kind: "last" | "mean"): Tensor {
  return poolTime(x, kind);
}

/**
 * x W + b: [..., K] to [..., width]. `scale` is a factor of the first weights, `lrScale`
 * one of their learning rate.
 */
export function linear(
  scope: Scope,
  x: Tensor,
  { width, bias = true, scale = 1, lrScale = 1 }: {
    width: number;
    bias?: boolean;
    scale?: number;
    lrScale?: number;
  },
): Tensor {
  const inner = x.shape.at(-1) as number;
  const init = { kind: "normal", std: STD * scale } as const;
  const weight = scope.param("weight", [inner, width], init, { lrScale });
  const product = matmul(x, weight);
  return bias ? plus(product, scope.param("bias", [width], { kind: "zeros" })) : product;
}

/** Layer normalisation over the last axis, with gain and bias. */
export function layerNorm(scope: Scope, x: Tensor): Tensor {
  const width = x.shape.at(-1) as number;
  const gamma = scope.param("weight", [width], { kind: "ones" });
  return normalise(x, { gamma, beta: scope.param("bias", [width], { kind: "zeros" }) });
}

/** What a token embedding is made of; `std` is that of its first values. */
interface Table {
  readonly vocabulary: number;
  readonly width: number;
  readonly std?: number;
}

/** Token embedding: ids [B, T] to [B, T, D]. */
export function embed(scope: Scope, ids: Tensor, sizes: Table): Tensor {
  return embedding(table(scope, sizes), ids);
}

/** Logits by the token embedding itself: [B, T, D] to [B, T, V]. */
export function unembed(
  scope: Scope,
  x: Tensor,
  sizes: Table,
): Tensor {
  return matmul(x, table(scope, sizes), { tb: true });
}

function table(scope: Scope, { vocabulary, width, std = STD }: Table): Tensor {
  return scope.param("weight", [vocabulary, width], { kind: "normal", std });
}

/**
 * Adds what tells positions apart: a learned table [T, D], or sinusoids. Decoding takes the rows of
 * the new tokens' places.
 */
export function positions(scope: Scope, x: Tensor, kind: "learned" | "sinusoidal"): Tensor {
  const [time, width] = x.shape.slice(-2) as [number, number];
  const rows = scope.decode?.context ?? time;
  const table = kind === "learned"
    ? scope.param("weight", [rows, width], { kind: "normal", std: STD })
    : scope.trace.constant([rows, width], sinusoids(rows, width));
  return plus(x, scope.decode === undefined ? table : embedding(table, scope.positions(time)));
}

/**
 * Causal self-attention of packed queries, keys and values: [B, T, 3D] to [B, T, D]. Decoding keeps
 * those of earlier tokens, and is given new ones alone. With `starts` u32 [B, T] a token attends
 * from its start on, not from the window's. Scores are divided by `divisor`, sqrt(D / heads) unless
 * told.
 */
export function attend(
  scope: Scope,
  qkv: Tensor,
  { heads, dropout: p, starts, divisor }: {
    heads: number;
    dropout: number;
    starts?: Tensor | undefined;
    divisor?: number | undefined;
  },
): Tensor {
  if (scope.decode !== undefined) {
    const [batch, count, packed] = qkv.shape as [number, number, number];
    const cache = scope.cache("cache", [batch, scope.decode.context, packed]);
    return cachedAttention(qkv, { heads, cache, places: scope.positions(count), divisor });
  }
  if (!scope.training || p === 0) return attention(qkv, heads, { starts, divisor });
  return attention(qkv, heads, { dropout: { p, ...scope.random() }, starts, divisor });
}
