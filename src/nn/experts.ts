/**
 * A mixture of experts in place of a feed-forward layer (Shazeer et al. 2017; Jiang et al. 2024,
 * section 2.1): a router chooses K of E gated layers for each token. R tokens, D width, H features of
 * an expert.
 */
import { embedding } from "../../kernels/embedding/mod.ts";
import { matmul } from "../../kernels/matmul/mod.ts";
import { pointwise, swiglu } from "../../kernels/pointwise/mod.ts";
import { rowSum, sum } from "../../kernels/reduce/mod.ts";
import { expertRows, groupedMatmul, topK } from "../../kernels/routing/mod.ts";
import { reshape, sliceLast } from "../../kernels/shape/mod.ts";
import { logSoftmax, softmax } from "../../kernels/softmax/mod.ts";
import { sizeOf } from "../base/shape.ts";
import type { Tensor } from "../graph/types.ts";
import { times } from "./elementwise.ts";
import { PRODUCT_SUM, QUOTIENT, SQUARED_DIFFERENCE } from "./formulas.ts";
import { linear, plus, scaled } from "./layers.ts";
import type { Scope } from "./scope.ts";
import type { LossTerms } from "./terms.ts";

/** Sizes of a mixture. */
export interface MixtureOptions {
  /** Experts E. */
  readonly experts: number;
  /** Experts of a token K. */
  readonly perToken: number;
  /** Features H of an expert. */
  readonly hidden: number;
  /**
   * In training an expert takes at most this multiple of R K / E tokens, in their order; it adds
   * nothing for the others (Fedus et al. 2021, section 2.2). Default: it takes all.
   */
  readonly capacityFactor?: number | undefined;
  /** Factor of the standard deviation of the initial weights of `down`. */
  readonly scale?: number;
}

/** What a router decided, for the terms of the loss. */
export interface Routing {
  /** Logits f32 [R, E]. */
  readonly logits: Tensor;
  /** Their softmax, f32 [R, E]. */
  readonly probabilities: Tensor;
  /** Tokens that chose each expert, f32 [E]. */
  readonly counts: Tensor;
}

/** Standard deviation of the experts' initial weights, as that of other layers. */
const STD = 0.02;

/** Rows of a tile: the padding of E tiles stays small beside the rows of an expert. */
const TILES = [96, 48, 24] as const;
const SMALLEST_TILE = 6;

/** Rows of a tile for so many rows per expert. */
function tileOf(rows: number): number {
  return TILES.find((tile) => 8 * tile <= rows) ?? SMALLEST_TILE;
}

/**
 * The sum of K experts of each token of x f32 [..., D], weighted by their probabilities, which are
 * divided by their sum: f32 [..., D]. Of equal probabilities the lower expert is chosen. Parameters:
 * `router.weight` [D, E], `experts.up.weight` [E, D, 2H] (the gate, then what it gates) and
 * `experts.down.weight` [E, H, D].
 */
export function mixtureOfExperts(
  scope: Scope,
  x: Tensor,
  { experts, perToken, hidden, capacityFactor, scale = 1 }: MixtureOptions,
): { readonly y: Tensor; readonly routing: Routing } {
  const width = x.shape.at(-1) as number;
  const rows = reshape(x, [sizeOf(x.shape) / width, width]);
  const logits = linear(scope.in("router"), rows, { width: experts, bias: false, hidden: false });
  const probabilities = softmax(logits);
  const [ids, elements] = topK(probabilities, { count: perToken });
  const even = rows.shape[0] as number * perToken / experts;
  const { rowOf, kept, tokens, groups, counts } = expertRows(ids, {
    experts,
    tile: tileOf(even),
    // Which tokens are in excess depends on later ones, so only training leaves any out.
    ...scope.training && capacityFactor !== undefined && {
      capacity: Math.ceil(capacityFactor * even),
    },
  });
  const matrix = (name: string, shape: readonly number[], std: number) =>
    scope.in("experts").in(name).param("weight", [experts, ...shape], { kind: "normal", std });
  const up = matrix("up", [width, 2 * hidden], STD);
  const down = matrix("down", [hidden, width], STD * scale);
  const inner = swiglu(groupedMatmul(embedding(rows, tokens), { w: up, groups }));
  const results = groupedMatmul(inner, { w: down, groups });
  const table = reshape(probabilities, [sizeOf(probabilities.shape), 1]);
  const chosen = reshape(embedding(table, elements), elements.shape);
  const weights = times(pointwise(QUOTIENT, [chosen, rowSum(chosen)]), kept);
  const found = embedding(results, rowOf);
  const y = weighted(reshape(found, [rows.shape[0] as number, perToken * width]), weights);
  return { y: reshape(y, x.shape), routing: { logits, probabilities, counts } };
}

/** The sum over k of weights [R, K] by results f32 [R, K D]: [R, D]. */
function weighted(results: Tensor, weights: Tensor): Tensor {
  const count = weights.shape.at(-1) as number;
  const width = (results.shape.at(-1) as number) / count;
  const part = (k: number) =>
    [
      sliceLast(results, { first: k * width, count: width }),
      sliceLast(weights, { first: k, count: 1 }),
    ] as const;
  let total = times(...part(0));
  for (let k = 1; k < count; k++) total = pointwise(PRODUCT_SUM, [total, ...part(k)]);
  return total;
}

/** Weights of the terms of routers in the loss. */
export interface RouterWeights {
  /** Of `balance`. */
  readonly balance: number;
  /** Of `router_z`. */
  readonly z: number;
}

/**
 * Terms of the routers of all layers, means over a micro-batch. `balance`: E times the sum over
 * experts of the share of tokens that chose an expert by its mean probability (Fedus et al. 2021,
 * equations 4 to 6), both over the tokens of all layers together, as in Mixtral; K at best. `router_z`:
 * the mean square of the logarithm of the sum of exponentials of a router's logits (Zoph et al. 2022,
 * equation 5).
 */
export function routerTerms(routings: readonly Routing[], weights: RouterWeights): LossTerms {
  const [first] = routings;
  if (first === undefined) return {};
  const [rows, experts] = first.logits.shape as [number, number];
  const all = routings.length * rows;
  const { trace } = first.logits;
  const ones = trace.constant([1, rows], new Float32Array(rows).fill(1));
  const add = (parts: readonly Tensor[]) => parts.reduce((a, b) => plus(a, b));
  const probability = add(routings.map(({ probabilities: p }) => matmul(ones, p)));
  const counts = add(routings.map(({ counts }) => reshape(counts, [1, experts])));
  const squares = add(routings.map(({ logits }) => {
    // logits - log softmax is the logarithm of the sum in each column.
    const [own, log] = [logits, logSoftmax(logits)].map((t) =>
      sliceLast(t, { first: 0, count: 1 })
    );
    return sum(pointwise(SQUARED_DIFFERENCE, [own as Tensor, log as Tensor]));
  }));
  const balance = scaled(sum(times(probability, counts)), experts / all ** 2);
  const shared = { per: "micro_batches", auxiliary: true } as const;
  return {
    balance: { sum: balance, weight: weights.balance, ...shared },
    router_z: { sum: scaled(squares, 1 / all), weight: weights.z, ...shared },
  };
}
