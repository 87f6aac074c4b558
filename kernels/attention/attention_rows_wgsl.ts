/**
 * Prints how attention's kernels read and write rows of heads, four elements (a quad) at a time.
 * To software Vulkan a load is a loop over lanes, and unrolled ones compile for seconds: what runs
 * once stands in loops over rows and quads. It knows no formula of attention.
 */
import { ceilDiv } from "../../src/base/shape.ts";
import type { AttentionKernel } from "./attention_sizes.ts";
import { range } from "../emit/range.ts";

/**
 * One row per token and head: in qkv its queries, keys or values (`part` 0, 1, 2), else in
 * [B, T, D]. Registers are `<name><row>_<quad>` for own tokens and `<name>_<quad>` for a met one.
 */
export interface AttentionRows {
  readonly name: string;
  readonly buffer: string;
  readonly part?: 0 | 1 | 2;
}

/** Elements of a load: heads of whole quads are read as vec4. */
export const unitWgsl = ({ width }: AttentionKernel): number => width % 4 === 0 ? 4 : 1;

/** Numbers of the quads of one head; the last may not be whole. */
export const quadsOf = ({ width }: AttentionKernel): number[] => range(ceilDiv(width, 4));

/** Address of a token's row. */
export function rowAt(kernel: AttentionKernel, { part }: AttentionRows, token: string): string {
  const model = kernel.heads * kernel.width / unitWgsl(kernel);
  if (part === undefined) return `single + (${token}) * ${model}u`;
  return `packed + (${token}) * ${3 * model}u + ${part * model}u`;
}

/** Quad `q` (a number, or the name of one) of the row at `row`. Elements beyond the head are 0. */
function quad(
  { width }: AttentionKernel,
  { buffer, row }: { buffer: string; row: string },
  q: number | string,
): string {
  const number = typeof q === "number" ? `${q}u` : q;
  if (width % 4 === 0) return `${buffer}[${row} + ${number}]`;
  const words = range(4).map((c) => {
    const at = `${number} * 4u + ${c}u`;
    if (typeof q === "number") return 4 * q + c < width ? `${buffer}[${row} + ${at}]` : "0.0f";
    return `select(0.0f, ${buffer}[${row} + min(${at}, ${width - 1}u)], ${at} < ${width}u)`;
  });
  return `vec4<f32>(${words.join(", ")})`;
}

/** Declares vec4 registers of the invocation's tokens, zero. */
export function registers(kernel: AttentionKernel, ...names: readonly string[]): string[] {
  const each = (f: (r: number, q: number) => string) =>
    range(kernel.rows).flatMap((r) => quadsOf(kernel).map((q) => f(r, q)));
  return names.flatMap((name) => each((r, q) => `var ${name}${r}_${q} = vec4<f32>();`));
}

/** A loop over the invocation's tokens: row `r` is token `t`; rows beyond the end repeat the last. */
export function eachRow(kernel: AttentionKernel, body: readonly string[]): string[] {
  const { time, rows } = kernel;
  const token = time % ownedOf(kernel) === 0 ? "first + r" : `min(first + r, ${time - 1}u)`;
  return [`for (var r = 0u; r < ${rows}u; r++) {`, `let t = ${token};`, ...body, "}"];
}

/** A loop over quads, numbered `w`. */
export function eachQuad(kernel: AttentionKernel, body: readonly string[]): string[] {
  return [`for (var w = 0u; w < ${quadsOf(kernel).length}u; w++) {`, ...body, "}"];
}

/** Statements that put `value` into `<name><r>` of the row that a loop is at. */
export function setRow({ rows }: AttentionKernel, name: string, value: string): string[] {
  return range(rows).map((r) => `${name}${r} = select(${name}${r}, ${value}, r == ${r}u);`);
}

/** The expression `of(r)` of the row that a loop is at. */
export function selectRow({ rows }: AttentionKernel, of: (r: number) => string): string {
  return range(rows).map(of).reduce((x, value, r) => `select(${x}, ${value}, r == ${r}u)`);
}

/** A quad of a row inside loops over rows and quads. */
export function currentQuad(kernel: AttentionKernel, from: AttentionRows): string {
  return quad(kernel, { buffer: from.buffer, row: rowAt(kernel, from, "t") }, "w");
}

/** Statements that bring the invocation's tokens into registers. */
export function loadRows(kernel: AttentionKernel, ...all: readonly AttentionRows[]): string[] {
  const { rows } = kernel;
  const column = all.flatMap(({ name }) => range(rows).map((r) => `${name}${r}`));
  return [
    ...registers(kernel, ...all.map(({ name }) => name)),
    ...eachQuad(kernel, [
      ...column.map((x) => `var ${x} = vec4<f32>();`),
      ...eachRow(
        kernel,
        all.flatMap((from) => [
          `let x_${from.name} = ${currentQuad(kernel, from)};`,
          ...setRow(kernel, from.name, `x_${from.name}`),
        ]),
      ),
      ...column.flatMap((x) =>
        quadsOf(kernel).map((q) => `${x}_${q} = select(${x}_${q}, ${x}, w == ${q}u);`)
      ),
    ]),
  ];
}

/** Statements that store the invocation's registers, each row times `scale(r)`. */
export function storeRows(
  kernel: AttentionKernel,
  to: AttentionRows,
  scale: (r: number) => string,
): string[] {
  const { time, rows, width } = kernel;
  const chosen = (r: number) =>
    quadsOf(kernel).map((q) => `${to.name}${r}_${q}`)
      .reduce((x, value, q) => `select(${x}, ${value}, w == ${q}u)`);
  const row = rowAt(kernel, to, "t");
  const words = width % 4 === 0
    ? [`${to.buffer}[${row} + w] = x;`]
    : range(4).map((c) =>
      `if (w * 4u + ${c}u < ${width}u) { ${to.buffer}[${row} + w * 4u + ${c}u] = x[${c}]; }`
    );
  return eachQuad(kernel, [
    ...range(rows).map((r) => `let c${r} = ${chosen(r)} * ${scale(r)};`),
    ...eachRow(kernel, [
      `if (first + r < ${time}u) {`,
      `let x = ${selectRow(kernel, (r) => `c${r}`)};`,
      ...words,
      "}",
    ]),
  ]);
}

/** What tokens are met for: rows of heads, and numbers by their names, each read where it says. */
export interface Streamed {
  readonly rows: readonly AttentionRows[];
  readonly numbers?: Readonly<Record<string, StreamedNumber>>;
}

/** Where a number of token `j` is read, and the zero of its type, in WGSL. */
export interface StreamedNumber {
  readonly read: string;
  readonly zero: "0u" | "0.0f";
}

/** Tokens that one workgroup of lanes owns, or one invocation without. */
export const ownedOf = ({ rows, lanes = 1 }: AttentionKernel): number => rows * lanes;

/**
 * A loop that meets tokens `j` from `from` to below `end`. Lanes of a subgroup load one each, and
 * turn by turn all get what one of them has. `j` stands for the token in what `numbers` read.
 */
export function eachStreamed(
  kernel: AttentionKernel,
  { from, end, met: { rows, numbers = {} } }: { from: string; end: string; met: Streamed },
  body: readonly string[],
): string[] {
  const { lanes } = kernel;
  const reads = Object.entries(numbers);
  if (lanes === undefined) {
    return [
      `for (var j = ${from}; j < ${end}; j++) {`,
      ...reads.map(([name, { read }]) => `let ${name} = ${read};`),
      ...rows.map((row) => `let ${row.name}at = ${rowAt(kernel, row, "j")};`),
      ...body,
      "}",
    ];
  }
  return [
    `for (var next = ${from}; next < ${end}; next += ${lanes}u) {`,
    "{",
    `let j = min(next + lane, ${kernel.time - 1}u);`,
    ...reads.map(([name, { read }]) => `held_${name} = ${read};`),
    ...rows.flatMap((row) =>
      [
        `let at = ${rowAt(kernel, row, "j")};`,
        ...quadsOf(kernel).map((q) =>
          `held_${row.name}_${q} = ${quad(kernel, { buffer: row.buffer, row: "at" }, q)};`
        ),
      ].join(" ")
    ).map((load) => `{ ${load} }`),
    "}",
    `for (var turn = 0u; turn < min(${lanes}u, ${end} - next); turn++) {`,
    "let j = next + turn;",
    ...reads.map(([name]) => `let ${name} = subgroupShuffle(held_${name}, turn);`),
    ...body,
    "}",
    "}",
  ];
}

/** Declares what lanes hold for each other. */
export function declareLaneRegisters(
  kernel: AttentionKernel,
  { rows, numbers = {} }: Streamed,
): string[] {
  if (kernel.lanes === undefined) return [];
  return [
    ...Object.entries(numbers).map(([name, value]) => `var held_${name} = ${value.zero};`),
    ...rows.flatMap(({ name }) =>
      quadsOf(kernel).map((q) => `var held_${name}_${q} = vec4<f32>();`)
    ),
  ];
}

/** Quad `q` of the row of a met token. */
function streamedQuad(kernel: AttentionKernel, { name, buffer }: AttentionRows, q: number): string {
  if (kernel.lanes !== undefined) return `subgroupShuffle(held_${name}_${q}, turn)`;
  return quad(kernel, { buffer, row: `${name}at` }, q);
}

/** Statements that bring the row of the met token into registers. */
export function loadStreamed(kernel: AttentionKernel, met: AttentionRows): string[] {
  return quadsOf(kernel).map((q) => `let ${met.name}_${q} = ${streamedQuad(kernel, met, q)};`);
}

/** Statements that bring a met row into registers, and `<sum><r>`: its dot products with own rows. */
export function rowProducts(kernel: AttentionKernel, { sum, own, met }: {
  sum: string;
  own: AttentionRows;
  met: AttentionRows;
}): string[] {
  const { name } = met;
  const R = range(kernel.rows);
  return [
    ...quadsOf(kernel).flatMap((q) => [
      `let ${name}_${q} = ${streamedQuad(kernel, met, q)};`,
      ...R.map((r) =>
        q === 0
          ? `var ${sum}${r} = dot(${own.name}${r}_${q}, ${name}_${q});`
          : `${sum}${r} += dot(${own.name}${r}_${q}, ${name}_${q});`
      ),
    ]),
  ];
}

/** Statements that add `weight(r)` times the met row to row r of `to`, itself times `keep(r)`. */
export function addStreamed(
  kernel: AttentionKernel,
  { to, met }: { to: AttentionRows; met: AttentionRows },
  { weight, keep }: { weight: (r: number) => string; keep?: (r: number) => string },
): string[] {
  return quadsOf(kernel).flatMap((q) =>
    range(kernel.rows).map((r) => {
      const sum = `${to.name}${r}_${q}`;
      const before = keep === undefined ? sum : `${sum} * ${keep(r)}`;
      return `${sum} = ${before} + ${weight(r)} * ${met.name}_${q};`;
    })
  );
}
