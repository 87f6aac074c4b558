/**
 * Layers as functions from tensors to tensors. B batch, T time, D width, V vocabulary.
 * They declare parameters in the scope they are given and know no model.
 */
import { attention } from "../../kernels/attention.ts";
import { embedding } from "../../kernels/embedding.ts";
import { layerNorm as normalise } from "../../kernels/layer_norm.ts";
import { matmul } from "../../kernels/matmul.ts";
import { pointwise } from "../../kernels/pointwise.ts";
import type { Tensor } from "../graph/types.ts";
import { dropoutFormula, GELU, SUM } from "./formulas.ts";
import type { Scope } from "./scope.ts";
import { sinusoids } from "./sinusoids.ts";

/** Standard deviation of weights at the start (Radford et al. 2018, section 4.1). */
const STD = 0.02;

/** x + y, of one shape. */
export function add(x: Tensor, y: Tensor): Tensor {
  return pointwise(SUM, [x, y]);
}

/** GELU, elementwise. */
export function gelu(x: Tensor): Tensor {
  return pointwise(GELU, [x]);
}

/** Dropout while training: zero with probability `p`, else scaled by 1 / (1 - p). */
export function dropout(scope: Scope, x: Tensor, p: number): Tensor {
  if (!scope.training || p === 0) return x;
  const { key, site } = scope.random();
  return pointwise(dropoutFormula(p, site), [x, key]);
}

/** x W + b: [..., K] to [..., width]. `scale` shrinks the first weights. */
export function linear(
  scope: Scope,
  x: Tensor,
  { width, bias = true, scale = 1 }: { width: number; bias?: boolean; scale?: number },
): Tensor {
  const inner = x.shape.at(-1) as number;
  const weight = scope.param("weight", [inner, width], { kind: "normal", std: STD * scale });
  const product = matmul(x, weight);
  return bias ? add(product, scope.param("bias", [width], { kind: "zeros" })) : product;
}

/** Layer normalisation over the last axis, with gain and bias. */
export function layerNorm(scope: Scope, x: Tensor): Tensor {
  const width = x.shape.at(-1) as number;
  const gamma = scope.param("weight", [width], { kind: "ones" });
  return normalise(x, { gamma, beta: scope.param("bias", [width], { kind: "zeros" }) });
}

/** Token embedding: ids [B, T] to [B, T, D]. */
export function embed(
  scope: Scope,
  ids: Tensor,
  sizes: { vocabulary: number; width: number },
): Tensor {
  return embedding(table(scope, sizes), ids);
}

/** Logits by the token embedding itself: [B, T, D] to [B, T, V]. */
export function unembed(
  scope: Scope,
  x: Tensor,
  sizes: { vocabulary: number; width: number },
): Tensor {
  return matmul(x, table(scope, sizes), { tb: true });
}

function table(scope: Scope, { vocabulary, width }: { vocabulary: number; width: number }): Tensor {
  return scope.param("weight", [vocabulary, width], { kind: "normal", std: STD });
}

/** Adds what tells positions apart: a learned table [T, D], or sinusoids. */
export function positions(scope: Scope, x: Tensor, kind: "learned" | "sinusoidal"): Tensor {
  const [time, width] = x.shape.slice(-2) as [number, number];
  return add(
    x,
    kind === "learned"
      ? scope.param("weight", [time, width], { kind: "normal", std: STD })
      : scope.trace.constant([time, width], sinusoids(time, width)),
  );
}

/** Causal self-attention of packed queries, keys and values: [B, T, 3D] to [B, T, D]. */
export function attend(
  scope: Scope,
  qkv: Tensor,
  { heads, dropout: p }: { heads: number; dropout: number },
): Tensor {
  if (!scope.training || p === 0) return attention(qkv, heads);
  return attention(qkv, heads, { dropout: { p, ...scope.random() } });
}
