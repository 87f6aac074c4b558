/**
 * Prints the two kernels of attention's backward pass: one owns queries and gives dq and delta,
 * one owns keys and gives dk and dv. Scores are made again in both; nothing is added across
 * invocations, so there are no atomics and one order of every sum.
 */
import { literal } from "../src/graph/formula_wgsl.ts";
import type { AttentionKernel, Operand } from "./attention_wgsl.ts";
import {
  accumulate,
  causal,
  declareAll,
  dots,
  drawMasks,
  head,
  inRegisters,
  loadRow,
  masked,
  quad,
  quadsOf,
  rowAt,
  scoreScale,
  storeQuad,
  token,
} from "./attention_wgsl.ts";
import { range } from "./matmul_wgsl.ts";

const LOG2E = literal(Math.LOG2E);
const QUERY: Operand = { name: "q", buffer: "qkv" };
const KEY: Operand = { name: "k", buffer: "qkv" };
const VALUE: Operand = { name: "v", buffer: "qkv" };
const SLOPE: Operand = { name: "g", buffer: "dy" };

/** Addresses `<name>at<n>` of a token's rows. */
function addresses(kernel: AttentionKernel, at: string, n: number): Record<string, string> {
  return {
    q: `let qat${n} = ${rowAt(kernel, at, 0)};`,
    k: `let kat${n} = ${rowAt(kernel, at, 1)};`,
    v: `let vat${n} = ${rowAt(kernel, at, 2)};`,
    g: `let gat${n} = ${rowAt(kernel, at)};`,
  };
}

/** A row of the invocation's own tokens in registers, times the scale of scores. */
function scaledRow(kernel: AttentionKernel, { name, buffer }: Operand, n: number): string[] {
  return quadsOf(kernel).map((q) =>
    `let ${name}${n}_${q} = ${quad(kernel, { buffer, row: `${name}at${n}` }, q)} * ${
      scoreScale(kernel)
    };`
  );
}

/** Statements for probabilities `p`, kept probabilities `u` and slopes of scores `d`. */
function slopes(
  kernel: AttentionKernel,
  { lse, delta, allowed }: {
    lse: (r: number, c: number) => string;
    delta: (r: number, c: number) => string;
    allowed: (r: number, c: number) => string;
  },
): string[] {
  const scale = literal(1 / (kernel.dropout?.keep ?? 1));
  const kept = (value: string) => kernel.dropout === undefined ? value : `${value} * ${scale}`;
  return range(kernel.rows).flatMap((r) =>
    range(kernel.block).flatMap((c) => {
      const pair = `${r}_${c}`;
      const score = inRegisters(kernel) ? `s${pair}` : `s${pair} * ${scoreScale(kernel)}`;
      const slope = masked(kernel, kept(`t${pair}`), [r, c]);
      return [
        `let p${pair} = exp2(${causal(`${score} - ${lse(r, c)}`, allowed(r, c))});`,
        `let d${pair} = p${pair} * (${slope} - ${delta(r, c)});`,
      ];
    })
  );
}

/** dq, and delta: bindings qkv, y, lse, dy, dqkv, delta and perhaps key. */
export function printQueries(kernel: AttentionKernel): string {
  const { time, rows, block, width } = kernel;
  const [R, C, Q] = [range(rows), range(block), quadsOf(kernel)];
  const products = [
    { sum: "s", own: QUERY, met: KEY },
    { sum: "t", own: SLOPE, met: VALUE },
  ];
  const along = (r: number) =>
    Q.map((q) =>
      `dot(${quad(kernel, { buffer: "y", row: `gat${r}` }, q)}, ${
        inRegisters(kernel) ? `g${r}_${q}` : quad(kernel, { buffer: "dy", row: `gat${r}` }, q)
      })`
    ).join(" + ");
  const lines = [
    ...head(kernel, { heavyLast: true }),
    ...R.flatMap((r) => {
      const at = token(kernel, `first + ${r}u`, rows);
      const { q, g } = addresses(kernel, at, r);
      return [
        `${q} ${g}`,
        ...(inRegisters(kernel)
          ? [...scaledRow(kernel, QUERY, r), ...loadRow(kernel, SLOPE, r)]
          : []),
        ...Q.map((q) => `var dq${r}_${q} = vec4<f32>();`),
        `let lse${r} = lse[bh * ${time}u + ${at}] * ${LOG2E};`,
        `let delta${r} = ${along(r)};`,
      ];
    }),
    `let end = min(first + ${rows}u, ${time}u);`,
    `for (var j = 0u; j < end; j += ${block}u) {`,
    ...C.flatMap((c) => {
      const { k, v } = addresses(kernel, token(kernel, `j + ${c}u`, block), c);
      return `${k} ${v}`;
    }),
    ...dots(kernel, products),
    ...drawMasks(kernel, { query: `first + e / ${block}u`, key: `j + e % ${block}u` }),
    ...slopes(kernel, {
      lse: (r) => `lse${r}`,
      delta: (r) => `delta${r}`,
      allowed: (r, c) => `j + ${c}u <= first + ${r}u`,
    }),
    ...accumulate(kernel, { to: "dq", weight: "d", met: KEY, loaded: inRegisters(kernel) }),
    "}",
    ...R.flatMap((r) => [
      time % rows === 0 ? "{" : `if (first + ${r}u < ${time}u) {`,
      ...Q.map((q) => {
        const value = `dq${r}_${q} * ${literal(1 / Math.sqrt(width))}`;
        return storeQuad(kernel, { buffer: "dqkv", row: `qat${r}`, value }, q);
      }),
      `delta[bh * ${time}u + first + ${r}u] = delta${r};`,
      "}",
    ]),
    "}",
  ];
  const bindings = declareAll(kernel, [
    { name: "qkv" },
    { name: "y" },
    { name: "lse", plain: true },
    { name: "dy" },
    { name: "dqkv", write: true },
    { name: "delta", write: true, plain: true },
  ]);
  return bindings + lines.join("\n") + "\n";
}

/** dk and dv: bindings qkv, lse, dy, dqkv, delta and perhaps key. */
export function printKeys(kernel: AttentionKernel): string {
  const { time, rows, block, width, dropout } = kernel;
  const [R, C, Q] = [range(rows), range(block), quadsOf(kernel)];
  const products = [
    { sum: "s", own: KEY, met: QUERY },
    { sum: "t", own: VALUE, met: SLOPE },
  ];
  const inside = (c: number) => time % block === 0 ? "" : ` && i + ${c}u < ${time}u`;
  const loaded = inRegisters(kernel);
  const lines = [
    ...head(kernel, { heavyLast: false }),
    ...R.flatMap((r) => {
      const { k, v } = addresses(kernel, token(kernel, `first + ${r}u`, rows), r);
      return [
        `${k} ${v}`,
        ...(loaded ? [...scaledRow(kernel, KEY, r), ...loadRow(kernel, VALUE, r)] : []),
        ...Q.map((q) => `var dk${r}_${q} = vec4<f32>(); var dv${r}_${q} = vec4<f32>();`),
      ];
    }),
    `for (var i = first - first % ${block}u; i < ${time}u; i += ${block}u) {`,
    ...C.flatMap((c) => {
      const at = token(kernel, `i + ${c}u`, block);
      const { q, g } = addresses(kernel, at, c);
      return [
        `${q} ${g}`,
        `let lse${c} = lse[bh * ${time}u + ${at}] * ${LOG2E};`,
        `let delta${c} = delta[bh * ${time}u + ${at}];`,
      ];
    }),
    ...dots(kernel, products),
    ...drawMasks(kernel, { query: `i + e % ${block}u`, key: `first + e / ${block}u` }),
    ...slopes(kernel, {
      lse: (_, c) => `lse${c}`,
      delta: (_, c) => `delta${c}`,
      allowed: (r, c) => `first + ${r}u <= i + ${c}u${inside(c)}`,
    }),
    ...R.flatMap((r) => C.map((c) => `let u${r}_${c} = ${masked(kernel, `p${r}_${c}`, [r, c])};`)),
    ...accumulate(kernel, { to: "dv", weight: "u", met: SLOPE, loaded }),
    ...accumulate(kernel, { to: "dk", weight: "d", met: QUERY, loaded }),
    "}",
    ...R.flatMap((r) => [
      time % rows === 0 ? "{" : `if (first + ${r}u < ${time}u) {`,
      ...Q.flatMap((q) => {
        const dk = `dk${r}_${q} * ${literal(1 / Math.sqrt(width))}`;
        const dv = `dv${r}_${q} * ${literal(1 / (dropout?.keep ?? 1))}`;
        return [
          storeQuad(kernel, { buffer: "dqkv", row: `kat${r}`, value: dk }, q),
          storeQuad(kernel, { buffer: "dqkv", row: `vat${r}`, value: dv }, q),
        ];
      }),
      "}",
    ]),
    "}",
  ];
  const bindings = declareAll(kernel, [
    { name: "qkv" },
    { name: "lse", plain: true },
    { name: "dy" },
    { name: "dqkv", write: true },
    { name: "delta", write: true, plain: true },
  ]);
  return bindings + lines.join("\n") + "\n";
}
