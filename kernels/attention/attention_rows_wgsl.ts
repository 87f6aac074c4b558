/**
 * Prints how attention's kernels load and store rows of heads, four elements (a quad) at a time.
 * Software Vulkan compiles a load to a loop over lanes, and many unrolled loads take seconds to
 * compile: code that runs once per kernel is printed as loops over rows and quads.
 */
import { ceilDiv } from "../../src/base/shape.ts";
import type { AttentionKernel } from "./attention_sizes.ts";
import { range } from "../emit/range.ts";

/**
 * A tensor with one row per token and head: the queries, keys or values of qkv (`part` 0, 1, 2),
 * else [B, T, D]. Registers are `<name><row>_<quad>` for owned tokens, `<name>_<quad>` for the
 * streamed one.
 */
export interface AttentionRows {
  readonly name: string;
  readonly buffer: string;
  readonly part?: 0 | 1 | 2;
}

/** Elements per load: 4 if the head's width is a multiple of 4. */
export const unitWgsl = ({ width }: AttentionKernel): number => width % 4 === 0 ? 4 : 1;

/** Indices of the quads of one head; the last quad may be partial. */
export const quadsOf = ({ width }: AttentionKernel): number[] => range(ceilDiv(width, 4));

/** WGSL of the offset of a token's row. */
export function rowAt(kernel: AttentionKernel, { part }: AttentionRows, token: string): string {
  const model = kernel.heads * kernel.width / unitWgsl(kernel);
  if (part === undefined) return `single + (${token}) * ${model}u`;
  return `packed + (${token}) * ${3 * model}u + ${part * model}u`;
}

/**
 * Quad `q` (a number or a WGSL name) of the row at offset `row`. Elements beyond the head are 0.
 */
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

/** Declares zeroed vec4 registers for rows of the owned tokens. */
export function registers(kernel: AttentionKernel, ...names: readonly string[]): string[] {
  const each = (f: (r: number, q: number) => string) =>
    range(kernel.rows).flatMap((r) => quadsOf(kernel).map((q) => f(r, q)));
  return names.flatMap((name) => each((r, q) => `var ${name}${r}_${q} = vec4<f32>();`));
}

/** A loop over the owned tokens: row `r` is token `t`, clamped to the last one. */
export function eachRow(kernel: AttentionKernel, body: readonly string[]): string[] {
  const { time, rows } = kernel;
  const token = time % ownedOf(kernel) === 0 ? "first + r" : `min(first + r, ${time - 1}u)`;
  return [`for (var r = 0u; r < ${rows}u; r++) {`, `let t = ${token};`, ...body, "}"];
}

/** A loop over quads with index `w`. */
export function eachQuad(kernel: AttentionKernel, body: readonly string[]): string[] {
  return [`for (var w = 0u; w < ${quadsOf(kernel).length}u; w++) {`, ...body, "}"];
}

/** Inside {@linkcode eachRow}: assigns `value` to the register `<name><r>` of the current row. */
export function setRow({ rows }: AttentionKernel, name: string, value: string): string[] {
  return range(rows).map((r) => `${name}${r} = select(${name}${r}, ${value}, r == ${r}u);`);
}

/** Inside {@linkcode eachRow}: the expression `of(r)` of the current row. */
export function selectRow({ rows }: AttentionKernel, of: (r: number) => string): string {
  return range(rows).map(of).reduce((x, value, r) => `select(${x}, ${value}, r == ${r}u)`);
}

/** The current quad of the current row, inside both loops. */
export function currentQuad(kernel: AttentionKernel, from: AttentionRows): string {
  return quad(kernel, { buffer: from.buffer, row: rowAt(kernel, from, "t") }, "w");
}

/** Statements that load rows of the owned tokens into registers. */
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

/** Statements that store the registers of the owned tokens, each row times `scale(r)`. */
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

/** What is loaded for each streamed token: rows of heads, and scalars by name. */
export interface Streamed {
  readonly rows: readonly AttentionRows[];
  readonly numbers?: Readonly<Record<string, StreamedNumber>>;
}

/** WGSL that loads a scalar of token `j`, and the zero of its type. */
export interface StreamedNumber {
  readonly read: string;
  readonly zero: "0u" | "0.0f";
}

/** Tokens owned by one workgroup with `lanes`, else by one invocation. */
export const ownedOf = ({ rows, lanes = 1 }: AttentionKernel): number => rows * lanes;

/**
 * A loop over the streamed tokens `j` from `from` to `end - 1`. With `lanes`, each lane of a
 * subgroup loads one token and then broadcasts it to the others in turn.
 */
export function eachStreamed(
  kernel: AttentionKernel,
  { from, end, streamed: { rows, numbers = {} } }: {
    from: string;
    end: string;
    streamed: Streamed;
  },
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

/** Declares the registers that lanes broadcast from. */
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

/** Quad `q` of the streamed token's row. */
function streamedQuad(kernel: AttentionKernel, { name, buffer }: AttentionRows, q: number): string {
  if (kernel.lanes !== undefined) return `subgroupShuffle(held_${name}_${q}, turn)`;
  return quad(kernel, { buffer, row: `${name}at` }, q);
}

/** Statements that load the streamed token's row into registers. */
export function loadStreamed(kernel: AttentionKernel, streamed: AttentionRows): string[] {
  return quadsOf(kernel).map((q) =>
    `let ${streamed.name}_${q} = ${streamedQuad(kernel, streamed, q)};`
  );
}

/** Statements that load a streamed row and compute `<sum><r>`, its dot products with owned rows. */
export function rowProducts(kernel: AttentionKernel, { sum, own, streamed }: {
  sum: string;
  own: AttentionRows;
  streamed: AttentionRows;
}): string[] {
  const { name } = streamed;
  const R = range(kernel.rows);
  return [
    ...quadsOf(kernel).flatMap((q) => [
      `let ${name}_${q} = ${streamedQuad(kernel, streamed, q)};`,
      ...R.map((r) =>
        q === 0
          ? `var ${sum}${r} = dot(${own.name}${r}_${q}, ${name}_${q});`
          : `${sum}${r} += dot(${own.name}${r}_${q}, ${name}_${q});`
      ),
    ]),
  ];
}

/** Statements for row r of `to`: `to * keep(r) + weight(r) * streamed row`. */
export function addStreamed(
  kernel: AttentionKernel,
  { to, streamed }: { to: AttentionRows; streamed: AttentionRows },
  { weight, keep }: { weight: (r: number) => string; keep?: (r: number) => string },
): string[] {
  return quadsOf(kernel).flatMap((q) =>
    range(kernel.rows).map((r) => {
      const sum = `${to.name}${r}_${q}`;
      const before = keep === undefined ? sum : `${sum} * ${keep(r)}`;
      return `${sum} = ${before} + ${weight(r)} * ${streamed.name}_${q};`;
    })
  );
}
