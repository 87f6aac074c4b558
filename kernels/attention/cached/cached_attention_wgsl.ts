/**
 * Prints the three kernels of attention to cached keys and values: scores, softmax, weighted
 * values. Each invocation computes one number or quad; only the softmax reduces over lanes.
 */
import { literal } from "../../../src/graph/formula_wgsl.ts";
import type { Launch, Spec } from "../../../src/graph/types.ts";
import { linearHead } from "../../../src/graph/wgsl.ts";
import type { RowKernel } from "../../emit/rows.ts";
import { itemWgsl, itemWidth } from "../../emit/rows.ts";
import type { HeadColumns } from "../heads.ts";
import type { CachedAttrs, CachedSizes } from "./cached_attention_sizes.ts";

/** The score of a masked key: its exponential is 0. */
const MASKED_SCORE = literal(-3e38);

/** A call: its sizes, attributes and input specs. */
export interface CachedCall {
  readonly sizes: CachedSizes;
  readonly attrs: CachedAttrs;
  readonly inputs: readonly Spec[];
}

/** A kernel's heads in a tensor of rows: first column, columns per head and per row, in items. */
interface ItemColumns {
  readonly first: number;
  readonly width: number;
  readonly row: number;
}

/** Elements per item of heads in tensors: 4 where all sizes of all of them are multiples of 4. */
function itemOf(views: readonly (readonly [HeadColumns, Spec | undefined])[]): 1 | 4 {
  const sizes = views.flatMap(([{ first, width }, spec]) => [first, width, spec?.shape[2] ?? 1]);
  return sizes.every((size) => itemWidth(size) === 4) ? 4 : 1;
}

function inItems({ first, width }: HeadColumns, spec: Spec | undefined, item: number): ItemColumns {
  return { first: first / item, width: width / item, row: (spec?.shape[2] ?? 1) / item };
}

/** Elements per item of y and of the values. */
export function valueItem({ attrs: { v }, inputs }: CachedCall): 1 | 4 {
  return itemOf([[v, inputs[2]]]);
}

function constants(names: Readonly<Record<string, number>>): string {
  return Object.entries(names).map(([name, value]) => `const ${name} = ${value}u;\n`).join("");
}

type Bound = readonly [access: string, name: string, of: string];

function declareAll(...bounds: readonly Bound[]): string {
  return bounds.map(([access, name, of], at) =>
    `@group(0) @binding(${at}) var<storage, ${access}> ${name}: array<${of}>;\n`
  ).join("");
}

function declaredMask({ mask }: CachedAttrs): Bound[] {
  return mask === undefined ? [] : [["read", mask, "u32"]];
}

/** WGSL of the end of the keys that token `t` of row `b` attends to, and of their first one. */
function keyRange({ sizes, attrs: { mask, window } }: CachedCall): { from: string; end: string } {
  const end = {
    all: `${sizes.capacity}u`,
    places: "places[t] + 1u",
    lengths: "lengths[b]",
  }[mask ?? "all"];
  // max() first: u32 differences must not wrap around.
  return { end, from: window === undefined ? "0u" : `max(end, ${window}u) - ${window}u` };
}

/** Slopes of ALiBi as a function of the query head, in units of log2. */
function printSlopes(alibi: readonly number[]): string {
  const cases = alibi.map((slope, h) =>
    `    case ${h}u: { return ${literal(slope * Math.LOG2E)}; }\n`
  );
  return `fn slope(h: u32) -> f32 {
  switch h {
${cases.join("")}    default: { return 0.0f; }
  }
}
`;
}

/** Scores in units of log2: binds queries, the mask, keys, scores. */
export function printScores(call: CachedCall, groups: Launch["groups"]): string {
  const { sizes, attrs, inputs } = call;
  const { q, k, window, alibi } = attrs;
  const { batch, count, heads, shared, capacity, divisor } = sizes;
  const item = itemOf([[q, inputs[0]], [k, inputs[1]]]);
  const [query, key] = [inItems(q, inputs[0], item), inItems(k, inputs[1], item)];
  const bindings = declareAll(
    ["read", "queries", "Item"],
    ...declaredMask(attrs),
    ["read", "keys", "Item"],
    ["read_write", "scores", "f32"],
  );
  const { from, end } = keyRange(call);
  const isMasked = window === undefined ? "j >= end" : `j >= end || j < ${from}`;
  const scale = `fold_sum(total) * ${literal(Math.LOG2E / divisor)}`;
  const bias = alibi === undefined ? "" : " - slope(h) * f32(end - 1u - j)";
  return `${itemWgsl(item)}${constants({ N: count, H: heads, C: capacity, W: query.width })}${
    alibi === undefined ? "" : printSlopes(alibi)
  }${bindings}${linearHead(batch * heads * count * capacity, groups)}
  let j = i % C;
  let t = (i / C) % N;
  let h = (i / (C * N)) % H;
  let b = i / (C * N * H);
  let end = ${end};
  if (${isMasked}) { scores[i] = ${MASKED_SCORE}; return; }
  let q = (b * N + t) * ${query.row}u + ${query.first}u + h * W;
  let k = (b * C + j) * ${key.row}u + ${key.first}u + h / ${shared}u * W;
  var total = Item();
  for (var c = 0u; c < W; c++) { total += queries[q + c] * keys[k + c]; }
  scores[i] = ${scale}${bias};
}
`;
}

/**
 * Softmax of each row of scores, in place. With `empty`, rows may have no key that they attend to,
 * and get zeros.
 */
export function printSoftmax({ prelude }: RowKernel, { empty }: { empty: boolean }): string {
  const power = "exp2(scores[first + i] - top)";
  const p = empty
    ? `select(${power}, Item(), scores[first + i] == Item() + ${MASKED_SCORE})`
    : power;
  const sum = "across_sum(fold_sum(sums), lane)";
  return `${prelude}${declareAll(["read_write", "scores", "Item"])}
fn row_main(row: u32, lane: u32, items: u32) {
  let first = row * ITEMS;
  var tops = Item() + ${MASKED_SCORE};
  for (var i = lane; i < items; i += LANES) { tops = max(tops, scores[first + i]); }
  let top = across_max(fold_max(tops), lane);
  var sums = Item();
  for (var i = lane; i < items; i += LANES) {
    let p = ${p};
    sums += p;
    scores[first + i] = p;
  }
  let scale = 1.0f / ${empty ? `max(${sum}, ${literal(2 ** -126)})` : sum};
  for (var i = lane; i < items; i += LANES) { scores[first + i] *= scale; }
}
`;
}

/** Values weighted by probabilities: binds the mask, values, scores, y. */
export function printApply(call: CachedCall, groups: Launch["groups"]): string {
  const { sizes, attrs, inputs } = call;
  const { batch, count, heads, shared, valueWidth, capacity } = sizes;
  const item = valueItem(call);
  const { first, width, row } = inItems(attrs.v, inputs[2], item);
  const bindings = declareAll(
    ...declaredMask(attrs),
    ["read", "values", "Item"],
    ["read", "scores", "f32"],
    ["read_write", "y", "Item"],
  );
  const { from, end } = keyRange(call);
  const items = batch * count * heads * valueWidth / item;
  return `${itemWgsl(item)}${
    constants({ N: count, H: heads, C: capacity, W: width, D: heads * width })
  }${bindings}${linearHead(items, groups)}
  let c = i % D;
  let token = i / D;
  let b = token / N;
  let t = token % N;
  let h = c / W;
  let end = ${end};
  let row = ((b * H + h) * N + t) * C;
  let at = b * C * ${row}u + ${first}u + h / ${shared}u * W + c % W;
  var total = Item();
  for (var j = ${from}; j < end; j++) { total += scores[row + j] * values[at + j * ${row}u]; }
  y[i] = total;
}
`;
}
