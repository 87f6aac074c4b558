/**
 * Prints attention's kernels. An invocation owns `rows` tokens of one head in registers and meets
 * the other tokens `block` at a time, so that each load serves `rows` products; no workgroup
 * memory. It knows sizes and tiles, no tensors.
 */
import { ceilDiv } from "../src/base/shape.ts";
import { keepBelow } from "../src/graph/formula_eval.ts";
import { literal } from "../src/graph/formula_wgsl.ts";
import { THREEFRY } from "../src/graph/wgsl.ts";
import type { Operand } from "./attention_rows_wgsl.ts";
import {
  accumulate,
  dots,
  eachQuad,
  keep,
  quad,
  registers,
  rowAt,
  storeRows,
  token,
  unit,
} from "./attention_rows_wgsl.ts";
import type { AttentionAttrs, AttentionSizes } from "./attention_sizes.ts";
import { range } from "./matmul_wgsl.ts";

/** What a kernel is printed for. */
export interface AttentionKernel extends AttentionSizes {
  readonly dropout?: AttentionAttrs["dropout"];
  /** Tokens of one invocation, and tokens met per round; at most 32 pairs. */
  readonly rows: number;
  readonly block: number;
  /** Whether the invocation's tokens stay in registers, or are read anew in every round. */
  readonly resident: boolean;
  /** Invocations in a workgroup, and the workgroups of the launch. */
  readonly group: number;
  readonly groups: readonly [number, number, number];
  /** Neighbouring invocations take the same tokens of other heads, not other tokens of one head. */
  readonly headsFirst: boolean;
}

/** Scores of pairs that causality forbids: their exponential is 0. */
const FORBIDDEN = literal(-3e38);

/** log2 e / sqrt d: turns dot products into scaled scores for exp2. */
export function scoreScale({ width }: AttentionKernel): string {
  return literal(Math.LOG2E / Math.sqrt(width));
}

/** Declares the bindings in order. */
export function declareAll(
  kernel: AttentionKernel,
  names: readonly { readonly name: string; readonly write?: boolean; readonly plain?: boolean }[],
): string {
  const all = kernel.dropout === undefined ? names : [...names, { name: "key" }];
  return (kernel.dropout === undefined ? "" : THREEFRY) + all.map(({ name, ...flags }, i) => {
    const { write, plain } = { write: false, plain: false, ...flags };
    const floats = unit(kernel) === 4 && !plain ? "array<vec4<f32>>" : "array<f32>";
    const type = name === "key" ? "vec2<u32>" : floats;
    return `@group(0) @binding(${i}) var<storage, ${
      write ? "read_write" : "read"
    }> ${name}: ${type};`;
  }).join("\n") + "\n";
}

/** Head of a kernel: `first` token of the invocation, and where its head's rows lie. */
export function head(kernel: AttentionKernel, { heavyLast }: { heavyLast: boolean }): string[] {
  const { batch, time, heads, width, rows, group, groups, headsFirst } = kernel;
  const [tiles, all] = [ceilDiv(time, rows), batch * heads];
  const tile = headsFirst ? `me / ${all}u` : `me % ${tiles}u`;
  const w = width / unit(kernel);
  return [
    `@compute @workgroup_size(${group})`,
    `fn main(@builtin(global_invocation_id) gid: vec3<u32>) {`,
    `let me = gid.x + gid.y * ${groups[0] * group}u;`,
    `if (me >= ${tiles * all}u) { return; }`,
    `let bh = ${headsFirst ? `me % ${all}u` : `me / ${tiles}u`};`,
    // Tiles with the longest loops begin first.
    `let first = (${heavyLast ? `${tiles - 1}u - ${tile}` : tile}) * ${rows}u;`,
    `let packed = (bh / ${heads}u) * ${time * 3 * heads * w}u + (bh % ${heads}u) * ${w}u;`,
    `let single = (bh / ${heads}u) * ${time * heads * w}u + (bh % ${heads}u) * ${w}u;`,
  ];
}

/** A score where `allowed` holds, else one whose exponential is 0. */
export function causal(score: string, allowed: string): string {
  return `select(${FORBIDDEN}, ${score}, ${allowed})`;
}

/**
 * Statements that draw the block's masks into `bits`, one per pair; nothing without dropout.
 * A loop, because that many copies of the generator would compile for long.
 */
export function drawMasks(
  kernel: AttentionKernel,
  { query, key }: { query: string; key: string },
): string[] {
  const { dropout, rows, block, time } = kernel;
  if (dropout === undefined) return [];
  return [
    "var bits = 0u;",
    `for (var e = 0u; e < ${rows * block}u; e++) {`,
    `let index = (bh * ${time}u + ${query}) * ${time}u + ${key};`,
    `let word = threefry(key, vec2<u32>(index, ${dropout.site}u)).x >> 8u;`,
    `bits |= select(0u, 1u << e, word < ${keepBelow(dropout.keep)}u);`,
    "}",
  ];
}

/** `value` of pair (r, c) under its mask, unscaled. */
export function masked(kernel: AttentionKernel, value: string, [r, c]: [number, number]): string {
  if (kernel.dropout === undefined) return value;
  return `select(0.0f, ${value}, (bits & ${(1 << (r * kernel.block + c)) >>> 0}u) != 0u)`;
}

const QUERY: Operand = { name: "q", buffer: "qkv" };
const KEY: Operand = { name: "k", buffer: "qkv" };
const VALUE: Operand = { name: "v", buffer: "qkv" };
const RESULT: Operand = { name: "y", buffer: "y" };

/** Statements of the online softmax of a block: probabilities `p`, and `a`, what shrinks sums. */
function softmax(kernel: AttentionKernel): string[] {
  const [R, C] = [range(kernel.rows), range(kernel.block)];
  const scale = scoreScale(kernel);
  return R.flatMap((r) => [
    ...C.map((c) =>
      `let z${r}_${c} = ${causal(`s${r}_${c} * ${scale}`, `j + ${c}u <= first + ${r}u`)};`
    ),
    `let n${r} = ${C.reduce((top, c) => `max(${top}, z${r}_${c})`, `m${r}`)};`,
    `let a${r} = exp2(m${r} - n${r}); m${r} = n${r};`,
    ...C.map((c) => `let e${r}_${c} = exp2(z${r}_${c} - n${r});`),
    `l${r} = l${r} * a${r} + ${C.map((c) => `e${r}_${c}`).join(" + ")};`,
    ...C.map((c) => `let p${r}_${c} = ${masked(kernel, `e${r}_${c}`, [r, c])};`),
  ]);
}

/** The forward kernel: bindings qkv, y, lse and perhaps key. */
export function printForward(kernel: AttentionKernel): string {
  const { time, rows, block, dropout, resident } = kernel;
  const [R, C] = [range(rows), range(block)];
  const lines = [
    ...head(kernel, { heavyLast: true }),
    ...registers(kernel, ...(resident ? ["q", "o"] : ["o"])),
    ...R.flatMap((r) => {
      const at = token(kernel, `first + ${r}u`, rows);
      return [
        `let qat${r} = ${rowAt(kernel, at, 0)}; let yat${r} = ${rowAt(kernel, at)};`,
        `var m${r} = ${FORBIDDEN}; var l${r} = 0.0f;`,
      ];
    }),
    ...(resident
      ? eachQuad(
        kernel,
        R.flatMap((r) => [
          `let q${r} = ${quad(kernel, QUERY, [r, "w"])};`,
          ...keep(kernel, `q${r}`, `q${r}`),
        ]),
      )
      : []),
    `let end = min(first + ${rows}u, ${time}u);`,
    `for (var j = 0u; j < end; j += ${block}u) {`,
    ...C.flatMap((c) => {
      const at = token(kernel, `j + ${c}u`, block);
      return [`let kat${c} = ${rowAt(kernel, at, 1)};`, `let vat${c} = ${rowAt(kernel, at, 2)};`];
    }),
    ...dots(kernel, [{ sum: "s", own: QUERY, met: KEY }]),
    ...drawMasks(kernel, { query: `first + e / ${block}u`, key: `j + e % ${block}u` }),
    ...softmax(kernel),
    ...accumulate(
      kernel,
      { to: "o", weight: "p", met: VALUE, loaded: false },
      (r, q) => `o${r}_${q} * a${r}`,
    ),
    "}",
    ...R.flatMap((r) => [
      `let g${r} = 1.0f / (l${r} * ${literal(dropout?.keep ?? 1)});`,
      time % rows === 0 ? "{" : `if (first + ${r}u < ${time}u) {`,
      `lse[bh * ${time}u + first + ${r}u] = (m${r} + log2(l${r})) * ${literal(Math.LN2)};`,
      "}",
    ]),
    ...storeRows(kernel, [{ of: "o", to: RESULT, scale: (r) => `g${r}` }]),
    "}",
  ];
  const bindings = declareAll(kernel, [
    { name: "qkv" },
    { name: "y", write: true },
    { name: "lse", write: true, plain: true },
  ]);
  return bindings + lines.join("\n") + "\n";
}
