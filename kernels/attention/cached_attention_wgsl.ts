/**
 * Prints the four kernels of attention with a KV cache: write the new rows, scores, softmax,
 * weighted values. Each invocation computes one number or quad; only the softmax reduces over
 * lanes.
 */
import { literal } from "../../src/graph/formula_wgsl.ts";
import type { Launch } from "../../src/graph/types.ts";
import { linearHead } from "../../src/graph/wgsl.ts";
import type { CachedSizes } from "./cached_attention_sizes.ts";
import { itemWgsl, itemWidth } from "../emit/rows.ts";
import type { RowKernel } from "../emit/rows.ts";

/** The score of a masked token: its exponential is 0. */
const MASKED_SCORE = literal(-3e38);

/** WGSL constants of the sizes; the widths `W` of a head and `D` of the model are in items. */
function constants({ count, heads, capacity, width }: CachedSizes): string {
  const items = width / itemWidth(width);
  const names = { N: count, H: heads, C: capacity, W: items, D: heads * items };
  const lines = Object.entries(names).map(([name, value]) => `const ${name} = ${value}u;\n`);
  return itemWgsl(itemWidth(width)) + lines.join("");
}

function declareAll(...bounds: readonly [access: string, name: string, of: string][]): string {
  return bounds.map(([access, name, of], at) =>
    `@group(0) @binding(${at}) var<storage, ${access}> ${name}: array<${of}>;\n`
  ).join("");
}

/** Writes qkv to the cache: binds qkv, places, cache. */
export function printAppend(sizes: CachedSizes, groups: Launch["groups"]): string {
  const { batch, count, heads, width } = sizes;
  const items = batch * count * 3 * heads * width / itemWidth(width);
  const bindings = declareAll(
    ["read", "qkv", "Item"],
    ["read", "places", "u32"],
    ["read_write", "cache", "Item"],
  );
  return `${constants(sizes)}${bindings}${linearHead(items, groups)}
  let token = i / (3u * D);
  cache[((token / N) * C + places[token % N]) * 3u * D + i % (3u * D)] = qkv[i];
}
`;
}

/** Scores in units of log2: binds qkv, places, cache, scores. */
export function printScores(sizes: CachedSizes, groups: Launch["groups"]): string {
  const { batch, count, heads, capacity, divisor } = sizes;
  const bindings = declareAll(
    ["read", "qkv", "Item"],
    ["read", "places", "u32"],
    ["read", "cache", "Item"],
    ["read_write", "scores", "f32"],
  );
  return `${constants(sizes)}${bindings}${linearHead(batch * heads * count * capacity, groups)}
  let j = i % C;
  let t = (i / C) % N;
  let h = (i / (C * N)) % H;
  let b = i / (C * N * H);
  if (j > places[t]) { scores[i] = ${MASKED_SCORE}; return; }
  let q = (b * N + t) * 3u * D + h * W;
  let k = (b * C + j) * 3u * D + D + h * W;
  var total = Item();
  for (var c = 0u; c < W; c++) { total += qkv[q + c] * cache[k + c]; }
  scores[i] = fold_sum(total) * ${literal(Math.LOG2E / divisor)};
}
`;
}

/** Softmax of each row of scores, in place. */
export function printSoftmax({ prelude }: RowKernel): string {
  return `${prelude}${declareAll(["read_write", "scores", "Item"])}
fn row_main(row: u32, lane: u32, items: u32) {
  let first = row * ITEMS;
  var tops = Item() + ${MASKED_SCORE};
  for (var i = lane; i < items; i += LANES) { tops = max(tops, scores[first + i]); }
  let top = across_max(fold_max(tops), lane);
  var sums = Item();
  for (var i = lane; i < items; i += LANES) {
    let p = exp2(scores[first + i] - top);
    sums += p;
    scores[first + i] = p;
  }
  let scale = 1.0f / across_sum(fold_sum(sums), lane);
  for (var i = lane; i < items; i += LANES) { scores[first + i] *= scale; }
}
`;
}

/** Values weighted by probabilities: binds places, cache, scores, y. */
export function printApply(sizes: CachedSizes, groups: Launch["groups"]): string {
  const { batch, count, heads, width } = sizes;
  const bindings = declareAll(
    ["read", "places", "u32"],
    ["read", "cache", "Item"],
    ["read", "scores", "f32"],
    ["read_write", "y", "Item"],
  );
  const items = batch * count * heads * width / itemWidth(width);
  return `${constants(sizes)}${bindings}${linearHead(items, groups)}
  let c = i % D;
  let token = i / D;
  let b = token / N;
  let t = token % N;
  let row = ((b * H + c / W) * N + t) * C;
  let values = b * C * 3u * D + 2u * D + c;
  var total = Item();
  for (var j = 0u; j <= places[t]; j++) { total += scores[row + j] * cache[values + j * 3u * D]; }
  y[i] = total;
}
`;
}
