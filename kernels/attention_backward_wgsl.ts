/**
 * Prints the two kernels of attention's backward pass: one owns queries and gives dq and delta,
 * one owns keys and gives dk and dv. Scores are made again in both; nothing is added across
 * invocations, so there are no atomics and one order of every sum.
 */
import { literal } from "../src/graph/formula_wgsl.ts";
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
} from "./attention_rows_wgsl.ts";
import type { AttentionKernel } from "./attention_wgsl.ts";
import { causal, declareAll, drawMasks, head, masked, scoreScale } from "./attention_wgsl.ts";
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

/** Statements that bring rows `r` of the operands into registers, in a loop over quads. */
function resident(kernel: AttentionKernel, r: number, operands: readonly Operand[]): string[] {
  return operands.flatMap((of) => [
    `let ${of.name}${r} = ${quad(kernel, of, [r, "w"])};`,
    ...(kernel.resident ? keep(kernel, `${of.name}${r}`, `${of.name}${r}`) : []),
  ]);
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
      const score = `s${pair} * ${scoreScale(kernel)}`;
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
  const [R, C] = [range(rows), range(block)];
  const products = [
    { sum: "s", own: QUERY, met: KEY },
    { sum: "t", own: SLOPE, met: VALUE },
  ];
  const lines = [
    ...head(kernel, { heavyLast: true }),
    ...registers(kernel, ...(kernel.resident ? ["q", "g", "dq"] : ["dq"])),
    ...R.flatMap((r) => {
      const at = token(kernel, `first + ${r}u`, rows);
      const { q, g } = addresses(kernel, at, r);
      const row = `bh * ${time}u + ${at}`;
      return [`${q} ${g}`, `let lse${r} = lse[${row}] * ${LOG2E}; var delta${r} = 0.0f;`];
    }),
    ...eachQuad(
      kernel,
      R.flatMap((r) => [
        ...resident(kernel, r, kernel.resident ? [QUERY, SLOPE] : [SLOPE]),
        `delta${r} += dot(g${r}, ${quad(kernel, { name: "g", buffer: "y" }, [r, "w"])});`,
      ]),
    ),
    `let end = min(first + ${rows}u, ${time}u);`,
    `for (var j = 0u; j < end; j += ${block}u) {`,
    ...C.map((c) => {
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
    ...accumulate(kernel, { to: "dq", weight: "d", met: KEY, loaded: kernel.resident }),
    "}",
    ...R.map((r) => {
      const inside = time % rows === 0 ? "" : `if (first + ${r}u < ${time}u) `;
      return `${inside}{ delta[bh * ${time}u + first + ${r}u] = delta${r}; }`;
    }),
    ...storeRows(kernel, [
      { of: "dq", to: { name: "q", buffer: "dqkv" }, scale: () => literal(1 / Math.sqrt(width)) },
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
  const [R, C] = [range(rows), range(block)];
  const loaded = kernel.resident;
  const products = [
    { sum: "s", own: KEY, met: QUERY },
    { sum: "t", own: VALUE, met: SLOPE },
  ];
  const inside = (c: number) => time % block === 0 ? "" : ` && i + ${c}u < ${time}u`;
  const lines = [
    ...head(kernel, { heavyLast: false }),
    ...registers(kernel, ...(loaded ? ["k", "v", "dk", "dv"] : ["dk", "dv"])),
    ...R.map((r) => {
      const { k, v } = addresses(kernel, token(kernel, `first + ${r}u`, rows), r);
      return `${k} ${v}`;
    }),
    ...(loaded ? eachQuad(kernel, R.flatMap((r) => resident(kernel, r, [KEY, VALUE]))) : []),
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
    ...storeRows(kernel, [
      { of: "dk", to: { name: "k", buffer: "dqkv" }, scale: () => literal(1 / Math.sqrt(width)) },
      {
        of: "dv",
        to: { name: "v", buffer: "dqkv" },
        scale: () => literal(1 / (dropout?.keep ?? 1)),
      },
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
