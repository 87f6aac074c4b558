/**
 * Prints attention's kernels. An invocation owns `rows` tokens of one head in registers and meets
 * the other tokens `block` at a time, so that each load serves `rows` products; no workgroup
 * memory. It knows sizes and tiles, no tensors.
 */
import { ceilDiv } from "../src/base/shape.ts";
import { keepBelow } from "../src/graph/formula_eval.ts";
import { literal } from "../src/graph/formula_wgsl.ts";
import { THREEFRY } from "../src/graph/wgsl.ts";
import type { AttentionAttrs, AttentionSizes } from "./attention_sizes.ts";
import { range } from "./matmul_wgsl.ts";

/** What a kernel is printed for. */
export interface AttentionKernel extends AttentionSizes {
  readonly dropout?: AttentionAttrs["dropout"];
  /** Tokens of one invocation, and tokens met per round; at most 32 pairs. */
  readonly rows: number;
  readonly block: number;
  /** Invocations in a workgroup, and the workgroups of the launch. */
  readonly group: number;
  readonly groups: readonly [number, number, number];
  /** Neighbouring invocations take the same tokens of other heads, not other tokens of one head. */
  readonly headsFirst: boolean;
}

/** Tokens of a head as a kernel reads them: `name<n>_<quad>` when they are in registers. */
export interface Operand {
  readonly name: string;
  readonly buffer: string;
}

/** Heads wider than this are read from memory quad by quad for scores: registers are few. */
const REGISTER_WIDTH = 128;

/** Scores of pairs that causality forbids: their exponential is 0. */
const FORBIDDEN = literal(-3e38);

/** log2 e / sqrt d: turns dot products into scaled scores for exp2. */
export function scoreScale({ width }: AttentionKernel): string {
  return literal(Math.LOG2E / Math.sqrt(width));
}

/** Elements of a load: heads of whole quads are read as vec4. */
const unit = ({ width }: AttentionKernel): number => width % 4 === 0 ? 4 : 1;

/** Quads of one head, the last perhaps not whole. */
export const quadsOf = ({ width }: AttentionKernel): number[] => range(ceilDiv(width, 4));

/** Whether the invocation's own tokens stay in registers. */
export const inRegisters = ({ width }: AttentionKernel): boolean => width <= REGISTER_WIDTH;

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

/** WGSL of the number of a token; tokens beyond the end read the last one. */
export function token(kernel: AttentionKernel, at: string, step: number): string {
  return kernel.time % step === 0 ? at : `min(${at}, ${kernel.time - 1}u)`;
}

/** Address of a token's row in qkv (`part` 0 q, 1 k, 2 v) or, without `part`, in [B, T, D]. */
export function rowAt(kernel: AttentionKernel, at: string, part?: number): string {
  const model = kernel.heads * kernel.width / unit(kernel);
  if (part === undefined) return `single + (${at}) * ${model}u`;
  return `packed + (${at}) * ${3 * model}u + ${part * model}u`;
}

/** A vec4 of a row: quad number `q`, or a WGSL number of a whole quad. */
export function quad(
  kernel: AttentionKernel,
  { buffer, row }: { buffer: string; row: string },
  q: number | string,
): string {
  if (unit(kernel) === 4) return `${buffer}[${row} + ${q}${typeof q === "number" ? "u" : ""}]`;
  const words = range(4).map((c) => {
    if (typeof q === "string") return `${buffer}[${row} + ${q} * 4u + ${c}u]`;
    return 4 * q + c < kernel.width ? `${buffer}[${row} + ${4 * q + c}u]` : "0.0f";
  });
  return `vec4<f32>(${words.join(", ")})`;
}

/** Statements that store vec4 `value` as quad `q` of a row. */
export function storeQuad(
  kernel: AttentionKernel,
  { buffer, row, value }: { buffer: string; row: string; value: string },
  q: number,
): string {
  if (unit(kernel) === 4) return `${buffer}[${row} + ${q}u] = ${value};`;
  const words = range(4).filter((c) => 4 * q + c < kernel.width);
  return `{ let x = ${value}; ` +
    words.map((c) => `${buffer}[${row} + ${4 * q + c}u] = x[${c}];`).join(" ") + " }";
}

/** Statements that load a token's row, whose address is `<name>at<n>`, into registers. */
export function loadRow(kernel: AttentionKernel, { name, buffer }: Operand, n: number): string[] {
  return quadsOf(kernel).map((q) =>
    `let ${name}${n}_${q} = ${quad(kernel, { buffer, row: `${name}at${n}` }, q)};`
  );
}

/**
 * Statements for dot products `<sum><r>_<c>` of the invocation's tokens `own` with the block's
 * tokens `met`. Afterwards the rows of `met` are in registers if those of `own` are.
 */
export function dots(
  kernel: AttentionKernel,
  products: readonly { readonly sum: string; readonly own: Operand; readonly met: Operand }[],
): string[] {
  const { rows, block, width } = kernel;
  const pairs = range(block).flatMap((c) => range(rows).map((r) => ({ r, c })));
  if (inRegisters(kernel)) {
    return products.flatMap(({ sum, own, met }) =>
      range(block).flatMap((c) => [
        ...loadRow(kernel, met, c),
        ...range(rows).map((r) => {
          const terms = quadsOf(kernel).map((q) =>
            `dot(${own.name}${r}_${q}, ${met.name}${c}_${q})`
          );
          return `let ${sum}${r}_${c} = ${terms.join(" + ")};`;
        }),
      ])
    );
  }
  const round = (q: number | string) =>
    products.flatMap(({ sum, own, met }) => {
      const load = ({ name, buffer }: Operand, n: number) =>
        `let ${name}${n} = ${quad(kernel, { buffer, row: `${name}at${n}` }, q)};`;
      return [
        ...range(rows).map((r) => load(own, r)),
        ...range(block).map((c) => load(met, c)),
        ...pairs.map(({ r, c }) => `${sum}${r}_${c} += dot(${own.name}${r}, ${met.name}${c});`),
      ];
    });
  const whole = Math.floor(width / 4);
  return [
    ...products.flatMap(({ sum }) => pairs.map(({ r, c }) => `var ${sum}${r}_${c} = 0.0f;`)),
    `for (var w = 0u; w < ${whole}u; w++) {`,
    ...round("w"),
    "}",
    ...(width % 4 === 0 ? [] : ["{", ...round(whole), "}"]),
  ];
}

/** Statements `<to><r>_<q> = before(r, q) + sum over the block of <weight><r>_<c> times its rows. */
export function accumulate(
  kernel: AttentionKernel,
  { to, weight, met, loaded }: { to: string; weight: string; met: Operand; loaded: boolean },
  before: (r: number, q: number) => string = (r, q) => `${to}${r}_${q}`,
): string[] {
  return quadsOf(kernel).flatMap((q) => {
    const from = (c: number) => loaded ? `${met.name}${c}_${q}` : `x${c}`;
    const loads = loaded
      ? []
      : range(kernel.block).map((c) =>
        `let x${c} = ${quad(kernel, { buffer: met.buffer, row: `${met.name}at${c}` }, q)};`
      );
    const sums = range(kernel.rows).map((r) => {
      const terms = range(kernel.block).map((c) => `${weight}${r}_${c} * ${from(c)}`);
      return `${to}${r}_${q} = ${before(r, q)} + ${terms.join(" + ")};`;
    });
    return ["{", ...loads, ...sums, "}"];
  });
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

/** The forward kernel: bindings qkv, y, lse and perhaps key. */
export function printForward(kernel: AttentionKernel): string {
  const { time, rows, block, dropout } = kernel;
  const [own, met, values] = ["q", "k", "v"].map((name): Operand => ({ name, buffer: "qkv" })) as [
    Operand,
    Operand,
    Operand,
  ];
  const [R, C, Q] = [range(rows), range(block), quadsOf(kernel)];
  const scale = scoreScale(kernel);
  const score = (r: number, c: number) =>
    causal(
      inRegisters(kernel) ? `s${r}_${c}` : `s${r}_${c} * ${scale}`,
      `j + ${c}u <= first + ${r}u`,
    );
  const scaledRow = (r: number) =>
    Q.map((q) =>
      `let q${r}_${q} = ${quad(kernel, { buffer: "qkv", row: `qat${r}` }, q)} * ${scale};`
    );
  const lines = [
    ...head(kernel, { heavyLast: true }),
    ...R.flatMap((r) => [
      `let qat${r} = ${rowAt(kernel, token(kernel, `first + ${r}u`, rows), 0)};`,
      ...(inRegisters(kernel) ? scaledRow(r) : []),
      ...Q.map((q) => `var o${r}_${q} = vec4<f32>();`),
      `var m${r} = ${FORBIDDEN}; var l${r} = 0.0f;`,
    ]),
    `let end = min(first + ${rows}u, ${time}u);`,
    `for (var j = 0u; j < end; j += ${block}u) {`,
    ...C.flatMap((c) => {
      const at = token(kernel, `j + ${c}u`, block);
      return [`let kat${c} = ${rowAt(kernel, at, 1)};`, `let vat${c} = ${rowAt(kernel, at, 2)};`];
    }),
    ...dots(kernel, [{ sum: "s", own, met }]),
    ...drawMasks(kernel, { query: `first + e / ${block}u`, key: `j + e % ${block}u` }),
    ...R.flatMap((r) => [
      ...C.map((c) => `let z${r}_${c} = ${score(r, c)};`),
      `let n${r} = ${C.reduce((top, c) => `max(${top}, z${r}_${c})`, `m${r}`)};`,
      `let a${r} = exp2(m${r} - n${r}); m${r} = n${r};`,
      ...C.map((c) => `let e${r}_${c} = exp2(z${r}_${c} - n${r});`),
      `l${r} = l${r} * a${r} + ${C.map((c) => `e${r}_${c}`).join(" + ")};`,
      ...C.map((c) => `let p${r}_${c} = ${masked(kernel, `e${r}_${c}`, [r, c])};`),
    ]),
    ...accumulate(
      kernel,
      { to: "o", weight: "p", met: values, loaded: false },
      (r, q) => `o${r}_${q} * a${r}`,
    ),
    "}",
    ...R.flatMap((r) => [
      time % rows === 0 ? "{" : `if (first + ${r}u < ${time}u) {`,
      `let g = 1.0f / (l${r} * ${literal(dropout?.keep ?? 1)});`,
      `let at = ${rowAt(kernel, `first + ${r}u`)};`,
      ...Q.map((q) => storeQuad(kernel, { buffer: "y", row: "at", value: `o${r}_${q} * g` }, q)),
      `lse[bh * ${time}u + first + ${r}u] = (m${r} + log2(l${r})) * ${literal(Math.LN2)};`,
      "}",
    ]),
    "}",
  ];
  const bindings = [{ name: "qkv" }, { name: "y", write: true }, {
    name: "lse",
    write: true,
    plain: true,
  }];
  return declareAll(kernel, bindings) + lines.join("\n") + "\n";
}
