/**
 * Prints attention's forward kernel, and the parts that it shares with the backward kernels. An
 * invocation keeps `rows` tokens of one head in registers (owned) and streams the other tokens one
 * by one, so that each load is used by `rows` products. No workgroup memory.
 */
import { ceilDiv } from "../../src/base/shape.ts";
import { keepThreshold } from "../../src/graph/formula_eval.ts";
import { literal } from "../../src/graph/formula_wgsl.ts";
import { THREEFRY } from "../../src/graph/wgsl.ts";
import type { AttentionRows, Streamed } from "./attention_rows_wgsl.ts";
import {
  addStreamed,
  declareLaneRegisters,
  eachRow,
  eachStreamed,
  loadRows,
  loadStreamed,
  ownedOf,
  registers,
  rowProducts,
  selectRow,
  setRow,
  storeRows,
  unitWgsl,
} from "./attention_rows_wgsl.ts";
import type { AttentionKernel } from "./attention_sizes.ts";
import { range } from "../emit/range.ts";

/** The queries of qkv. */
export const QUERY: AttentionRows = { name: "q", buffer: "qkv", part: 0 };
/** The keys of qkv. */
export const KEY: AttentionRows = { name: "k", buffer: "qkv", part: 1 };
/** The values of qkv. */
export const VALUE: AttentionRows = { name: "v", buffer: "qkv", part: 2 };
const RESULT: AttentionRows = { name: "y", buffer: "y" };

/** The score of a masked token: its exponential is 0. */
const MASKED_SCORE = literal(-3e38);

/** The score in units of log2, minus `less`; the masked score unless `allowed`. */
export function score(
  { divisor }: AttentionKernel,
  product: string,
  { less = "0.0f", allowed }: { less?: string; allowed: string },
): string {
  const scaled = `${product} * ${literal(Math.LOG2E / divisor)} - ${less}`;
  return `select(${MASKED_SCORE}, ${scaled}, ${allowed})`;
}

/** A binding: rows of heads, or one scalar per head and token. */
export interface AttentionBinding {
  readonly name: string;
  readonly kind: "rows" | "numbers";
  readonly write?: true;
}

/** Declares the bindings in order, the optional inputs last. */
export function declareAll(kernel: AttentionKernel, bounds: readonly AttentionBinding[]): string {
  const declare = (access: string, name: string, type: string, i: number) =>
    `@group(0) @binding(${i}) var<storage, ${access}> ${name}: ${type};\n`;
  const lines = bounds.map(({ name, kind, write }, i) => {
    const type = kind === "rows" && unitWgsl(kernel) === 4 ? "array<vec4<f32>>" : "array<f32>";
    return declare(write ? "read_write" : "read", name, type, i);
  });
  const { dropout, documents } = kernel;
  if (dropout !== undefined) lines.push(declare("read", "key", "vec2<u32>", lines.length));
  if (documents !== undefined) lines.push(declare("read", "starts", "array<u32>", lines.length));
  return (dropout === undefined ? "" : THREEFRY) + lines.join("");
}

/**
 * Start of a kernel: `first` token of the invocation, `block`, the first token of all invocations
 * that stream the same tokens in one loop, and the offsets of the head's rows.
 */
export function head(kernel: AttentionKernel, { heavyLast }: { heavyLast: boolean }): string[] {
  const { batch, time, heads, width, rows, group, groups, lanes, headsFirst, documents } = kernel;
  const [tiles, all] = [ceilDiv(time, ownedOf(kernel)), batch * heads];
  const tile = headsFirst ? `me / ${all}u` : `me % ${tiles}u`;
  const w = width / unitWgsl(kernel);
  const own = "@builtin(global_invocation_id) gid: vec3<u32>";
  const lane = "@builtin(workgroup_id) wid: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32";
  return [
    `@compute @workgroup_size(${group})`,
    `fn main(${lanes === undefined ? own : lane}) {`,
    lanes === undefined
      ? `let me = gid.x + gid.y * ${groups[0] * group}u;`
      : `let me = wid.x + wid.y * ${groups[0]}u;`,
    `if (me >= ${tiles * all}u) { return; }`,
    `let bh = ${headsFirst ? `me % ${all}u` : `me / ${tiles}u`};`,
    // Tiles with the longest loops are scheduled first.
    `let block = (${heavyLast ? `${tiles - 1}u - ${tile}` : tile}) * ${ownedOf(kernel)}u;`,
    `let first = ${lanes === undefined ? "block" : `block + lane * ${rows}u`};`,
    `let packed = (bh / ${heads}u) * ${time * 3 * heads * w}u + (bh % ${heads}u) * ${w}u;`,
    `let single = (bh / ${heads}u) * ${time * heads * w}u + (bh % ${heads}u) * ${w}u;`,
    `let numbers = bh * ${time}u;`,
    ...documents === undefined ? [] : [`let tokens = (bh / ${heads}u) * ${time}u;`],
  ];
}

/**
 * Statements for `start<r>`, the first token that row r attends to, and their minimum `earliest`.
 */
export function loadStarts(kernel: AttentionKernel): string[] {
  if (kernel.documents === undefined) return [];
  const R = range(kernel.rows);
  return [
    ...R.map((r) => `var start${r} = 0u;`),
    ...eachRow(kernel, ["let own = starts[tokens + t];", ...setRow(kernel, "start", "own")]),
    `let least = ${R.map((r) => `start${r}`).reduce((x, y) => `min(${x}, ${y})`)};`,
    `let earliest = ${kernel.lanes === undefined ? "least" : "subgroupMin(least)"};`,
  ];
}

/** The range of keys that the owned queries stream. */
export function keyRange(kernel: AttentionKernel): { from: string; end: string } {
  return {
    from: kernel.documents === undefined ? "0u" : "earliest",
    end: `min(block + ${ownedOf(kernel)}u, ${kernel.time}u)`,
  };
}

/** WGSL test whether query row r may attend to key `j`. */
export function mayAttend({ documents }: AttentionKernel, r: number): string {
  const causal = `j <= first + ${r}u`;
  return documents === undefined ? causal : `(${causal}) & (j >= start${r})`;
}

/** Statements that draw the dropout masks of the owned tokens with the streamed one into `bits`. */
export function drawMasks(
  { dropout, rows, time }: AttentionKernel,
  { query, key }: { query: string; key: string },
): string[] {
  if (dropout === undefined) return [];
  // A loop, not unrolled: `rows` copies of the generator compile slowly.
  return [
    "var bits = 0u;",
    `for (var r = 0u; r < ${rows}u; r++) {`,
    `let index = (numbers + ${query}) * ${time}u + ${key};`,
    `let word = threefry(key, vec2<u32>(index, ${dropout.site}u)).x >> 8u;`,
    `bits |= select(0u, 1u << r, word < ${keepThreshold(dropout.keep)}u);`,
    "}",
  ];
}

/** `value` of row `r` with dropout applied, without the factor 1 / keep. */
export function masked({ dropout }: AttentionKernel, value: string, r: number): string {
  if (dropout === undefined) return value;
  return `select(0.0f, ${value}, (bits & ${(1 << r) >>> 0}u) != 0u)`;
}

/** The forward kernel: binds qkv, y, lse, and optionally key and starts. */
export function printForward(kernel: AttentionKernel): string {
  const { time, rows, dropout } = kernel;
  const R = range(rows);
  const streamed: Streamed = { rows: [KEY, VALUE] };
  const round = [
    ...rowProducts(kernel, { sum: "x", own: QUERY, streamed: KEY }),
    ...drawMasks(kernel, { query: "first + r", key: "j" }),
    ...R.flatMap((r) => [
      `let s${r} = ${score(kernel, `x${r}`, { allowed: mayAttend(kernel, r) })};`,
      `let n${r} = max(m${r}, s${r});`,
      `let a${r} = exp2(m${r} - n${r});`,
      `let p${r} = exp2(s${r} - n${r});`,
      `m${r} = n${r};`,
      `l${r} = l${r} * a${r} + p${r};`,
      `let u${r} = ${masked(kernel, `p${r}`, r)};`,
    ]),
    ...loadStreamed(kernel, VALUE),
    ...addStreamed(kernel, { to: RESULT, streamed: VALUE }, {
      weight: (r) => `u${r}`,
      keep: (r) => `a${r}`,
    }),
  ];
  const lines = [
    ...head(kernel, { heavyLast: true }),
    ...loadStarts(kernel),
    ...loadRows(kernel, QUERY),
    ...registers(kernel, RESULT.name),
    ...R.map((r) => `var m${r} = ${MASKED_SCORE}; var l${r} = 0.0f;`),
    ...declareLaneRegisters(kernel, streamed),
    ...eachStreamed(kernel, { ...keyRange(kernel), streamed }, round),
    ...R.map((r) => `let g${r} = 1.0f / (l${r} * ${literal(dropout?.keep ?? 1)});`),
    ...eachRow(kernel, [
      `let log = ${selectRow(kernel, (r) => `m${r}`)} + log2(${
        selectRow(kernel, (r) => `l${r}`)
      });`,
      `if (first + r < ${time}u) { lse[numbers + t] = log * ${literal(Math.LN2)}; }`,
    ]),
    ...storeRows(kernel, RESULT, (r) => `g${r}`),
    "}",
  ];
  const bindings = declareAll(kernel, [
    { name: "qkv", kind: "rows" },
    { name: "y", kind: "rows", write: true },
    { name: "lse", kind: "numbers", write: true },
  ]);
  return bindings + lines.join("\n") + "\n";
}
