/**
 * Prints how attention's kernels load and store rows of heads, four elements (a quad) at a time.
 * Software Vulkan compiles a load to a loop over lanes, and many unrolled loads take seconds to
 * compile: code that runs once per kernel is printed as loops over rows and quads.
 */
import { range } from "../../emit/range.ts";
import type { AttentionKernel } from "../attention_tile.ts";
import { quadsOf, rowAt } from "./views.ts";
import type { AttentionRows } from "./views.ts";

/**
 * Quad `q` (a number or a WGSL name) of the row at offset `row`. Elements beyond the row are 0.
 */
function quad({ buffer, width, unit }: AttentionRows, row: string, q: number | string): string {
  const number = typeof q === "number" ? `${q}u` : q;
  if (unit === 4) return `${buffer}[${row} + ${number}]`;
  const words = range(4).map((c) => {
    const at = `${number} * 4u + ${c}u`;
    if (typeof q === "number") return 4 * q + c < width ? `${buffer}[${row} + ${at}]` : "0.0f";
    return `select(0.0f, ${buffer}[${row} + min(${at}, ${width - 1}u)], ${at} < ${width}u)`;
  });
  return `vec4<f32>(${words.join(", ")})`;
}

/** Declares zeroed vec4 registers for rows of the owned tokens. */
export function registers({ rows }: AttentionKernel, ...all: readonly AttentionRows[]): string[] {
  return all.flatMap((row) =>
    range(rows).flatMap((r) => quadsOf(row).map((q) => `var ${row.name}${r}_${q} = vec4<f32>();`))
  );
}

/** A loop over the owned tokens: row `r` is token `t`, clamped to the last one. */
export function eachRow(kernel: AttentionKernel, body: readonly string[]): string[] {
  const { owned, rows } = kernel;
  const token = owned % ownedOf(kernel) === 0 ? "first + r" : `min(first + r, ${owned - 1}u)`;
  return [`for (var r = 0u; r < ${rows}u; r++) {`, `let t = ${token};`, ...body, "}"];
}

/** A loop over the quads of a row with index `w`. */
export function eachQuad(row: AttentionRows, body: readonly string[]): string[] {
  return [`for (var w = 0u; w < ${quadsOf(row).length}u; w++) {`, ...body, "}"];
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
export function currentQuad(from: AttentionRows): string {
  return quad(from, rowAt(from, "t"), "w");
}

/** Statements that load rows of the owned tokens into registers. */
export function loadRows(kernel: AttentionKernel, ...all: readonly AttentionRows[]): string[] {
  const [like] = all;
  if (like === undefined) return [];
  // One loop over quads serves rows of one width.
  if (all.some(({ width }) => width !== like.width)) {
    return all.flatMap((row) => loadRows(kernel, row));
  }
  const { rows } = kernel;
  const column = all.flatMap(({ name }) => range(rows).map((r) => `${name}${r}`));
  return [
    ...registers(kernel, ...all),
    ...eachQuad(like, [
      ...column.map((x) => `var ${x} = vec4<f32>();`),
      ...eachRow(
        kernel,
        all.flatMap((from) => [
          `let x_${from.name} = ${currentQuad(from)};`,
          ...setRow(kernel, from.name, `x_${from.name}`),
        ]),
      ),
      ...column.flatMap((x) =>
        quadsOf(like).map((q) => `${x}_${q} = select(${x}_${q}, ${x}, w == ${q}u);`)
      ),
    ]),
  ];
}

/** Statements that store `value` (WGSL) of the registers `x` of the owned tokens, row by row. */
export function storeRows(
  kernel: AttentionKernel,
  to: AttentionRows,
  value: (x: string, r: number) => string,
): string[] {
  const { owned, rows } = kernel;
  const { buffer, width, unit } = to;
  const chosen = (r: number) =>
    quadsOf(to).map((q) => `${to.name}${r}_${q}`)
      .reduce((x, value, q) => `select(${x}, ${value}, w == ${q}u)`);
  const row = rowAt(to, "t");
  const words = unit === 4
    ? [`${buffer}[${row} + w] = x;`]
    : range(4).map((c) =>
      `if (w * 4u + ${c}u < ${width}u) { ${buffer}[${row} + w * 4u + ${c}u] = x[${c}]; }`
    );
  return eachQuad(to, [
    ...range(rows).map((r) => `let c${r} = ${value(chosen(r), r)};`),
    ...eachRow(kernel, [
      `if (first + r < ${owned}u) {`,
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
      ...rows.map((row) => `let ${row.name}at = ${rowAt(row, "j")};`),
      ...body,
      "}",
    ];
  }
  return [
    `for (var next = ${from}; next < ${end}; next += ${lanes}u) {`,
    "{",
    `let j = min(next + lane, ${kernel.streamed - 1}u);`,
    ...reads.map(([name, { read }]) => `held_${name} = ${read};`),
    ...rows.flatMap((row) =>
      [
        `let at = ${rowAt(row, "j")};`,
        ...quadsOf(row).map((q) => `held_${row.name}_${q} = ${quad(row, "at", q)};`),
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
    ...rows.flatMap((row) => quadsOf(row).map((q) => `var held_${row.name}_${q} = vec4<f32>();`)),
  ];
}

/** Quad `q` of the streamed token's row. */
function streamedQuad(kernel: AttentionKernel, row: AttentionRows, q: number): string {
  if (kernel.lanes !== undefined) return `subgroupShuffle(held_${row.name}_${q}, turn)`;
  return quad(row, `${row.name}at`, q);
}

/** Statements that load the streamed token's row into registers. */
export function loadStreamed(kernel: AttentionKernel, streamed: AttentionRows): string[] {
  return quadsOf(streamed).map((q) =>
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
  return quadsOf(streamed).flatMap((q) => [
    `let ${name}_${q} = ${streamedQuad(kernel, streamed, q)};`,
    ...R.map((r) =>
      q === 0
        ? `var ${sum}${r} = dot(${own.name}${r}_${q}, ${name}_${q});`
        : `${sum}${r} += dot(${own.name}${r}_${q}, ${name}_${q});`
    ),
  ]);
}

/** Statements for row r of `to`: `to * keep(r) + weight(r) * streamed row`. */
export function addStreamed(
  kernel: AttentionKernel,
  { to, streamed }: { to: AttentionRows; streamed: AttentionRows },
  { weight, keep }: { weight: (r: number) => string; keep?: (r: number) => string },
): string[] {
  return quadsOf(to).flatMap((q) =>
    range(kernel.rows).map((r) => {
      const sum = `${to.name}${r}_${q}`;
      const before = keep === undefined ? sum : `${sum} * ${keep(r)}`;
      return `${sum} = ${before} + ${weight(r)} * ${streamed.name}_${q};`;
    })
  );
}
