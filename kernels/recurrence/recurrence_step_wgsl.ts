/**
 * Parts shared by the forward and backward kernels of a recurrence's step: kernel heads, loops over
 * a tile, and loads of the inputs of a cell's formula.
 */
import type { Cell } from "./cells.ts";
import type { Operand, SumName } from "../matmul/matmul_wgsl.ts";
import { range } from "../emit/range.ts";
import { inside } from "../matmul/matmul_wgsl.ts";
import type { RecurrenceSizes, TimeOrder } from "./recurrence_sizes.ts";

/** Sizes and tiling of a step's kernel. */
export interface StepKernel extends RecurrenceSizes {
  readonly cell: Cell;
  /** Index of the cell's stage. */
  readonly stage: number;
  readonly order: TimeOrder;
  /** Rows of the batch and hidden units (a multiple of 4) of one invocation. */
  readonly tile: readonly [number, number];
  /** Invocations along units and rows. */
  readonly group: readonly [number, number];
  /** Lanes of a subgroup that share the rows of a tile; the workgroup is then one subgroup. */
  readonly lanes?: number;
}

/** A binding of a step: its name in WGSL and whether it is written. */
export interface StepBinding {
  readonly name: string;
  readonly write?: boolean;
}

/** Elements per load and store: 4 if H is a multiple of 4. */
export function stateWidth({ hidden }: { hidden: number }): 1 | 4 {
  return hidden % 4 === 0 ? 4 : 1;
}

/** WGSL declarations of bindings, in order. */
export function declareBindings(bindings: readonly StepBinding[], width: 1 | 4): string {
  return bindings.map(({ name, write }, i) => {
    const type = name === "time" ? "f32" : width === 4 ? "array<vec4<f32>>" : "array<f32>";
    const access = write ? "read_write" : "read";
    return `@group(0) @binding(${i}) var<storage, ${access}> ${name}: ${type};\n`;
  }).join("");
}

/** Start of a step's kernel: its time step, and the tile's first unit and row. */
export function stepHead(
  { batch, hidden, tile: [rows, units], group: [gx, gy], lanes }: StepKernel,
  { timeless = false }: { timeless?: boolean } = {},
): string[] {
  const own = lanes === undefined
    ? "@builtin(local_invocation_id) lid: vec3<u32>"
    : "@builtin(subgroup_invocation_id) lane: u32";
  const begin = [
    `@compute @workgroup_size(${gx}, ${gy})`,
    `fn main(@builtin(workgroup_id) wid: vec3<u32>, ${own}) {`,
    ...timeless ? [] : ["let t = u32(time);"],
  ];
  if (lanes !== undefined) {
    // A lane beyond the edge does not exit: it broadcasts rows. It loads the last units instead.
    const mine = `b0 + lane % ${lanes}u * ${rows / lanes}u`;
    return [
      ...begin,
      `let j0 = (wid.x * ${gx}u + lane) * ${units}u;`,
      `let b0 = wid.y * ${rows}u;`,
      `let jr = ${inside("j0", hidden, units)};`,
      `let br = ${inside(mine, batch, rows / lanes)};`,
    ];
  }
  return [
    ...begin,
    `let j0 = (wid.x * ${gx}u + lid.x) * ${units}u;`,
    `let b0 = (wid.y * ${gy}u + lid.y) * ${rows}u;`,
    `if (j0 >= ${hidden}u || b0 >= ${batch}u) { return; }`,
    "let jr = j0;",
    "let br = b0;",
  ];
}

/** Loops over the tile's elements (or quads of units): row `b`, index `j` in a row of units. */
export function eachUnit(kernel: StepKernel, body: readonly string[]): string[] {
  const { batch, hidden, tile: [rows, units] } = kernel;
  const width = stateWidth(kernel);
  const ragged = raggedOf(kernel);
  return [
    `for (var i = 0u; i < ${rows}u; i++) {`,
    "let b = b0 + i;",
    ...ragged.rows ? [`if (b >= ${batch}u) { break; }`] : [],
    `for (var l = 0u; l < ${units / width}u; l++) {`,
    `let j = j0 / ${width}u + l;`,
    ...ragged.units ? [`if (j >= ${hidden / width}u) { break; }`] : [],
    ...body,
    "}",
    "}",
  ];
}

/** Whether tiles extend beyond the batch or the units; otherwise bounds checks are left out. */
function raggedOf(
  { batch, hidden, tile: [rows, units], group: [gx], lanes }: StepKernel,
): { readonly rows: boolean; readonly units: boolean } {
  // Without lanes an invocation beyond the edge has exited.
  const across = lanes === undefined ? units : gx * units;
  return { rows: batch % rows !== 0, units: hidden % across !== 0 };
}

/** The operand whose rows are batch rows of a tensor [B, T, ...] at one time step. */
export function batchRows(
  kernel: StepKernel,
  o: Omit<Operand, "size" | "along" | "first" | "tile">,
): Operand {
  const { batch, tile: [rows], lanes = 1 } = kernel;
  return { ...o, size: batch, along: false, first: "br", tile: rows / lanes };
}

/** The operand of rows or columns of the weight for the tile's units. */
export function unitRows(
  { hidden, tile: [, units] }: StepKernel,
  o: Omit<Operand, "size" | "first" | "tile">,
): Operand {
  return { ...o, size: hidden, first: "jr", tile: units };
}

/**
 * A loop over K in steps of four: `body` prints an iteration at WGSL index k with `steps` values.
 */
export function sumOver(
  k: number,
  body: (k: string, steps: number) => readonly string[],
  { end = `${k - k % 4}u`, when }: { end?: string; when?: string } = {},
): string[] {
  const whole = k - (k % 4);
  const loop = [`for (var k = 0u; k < ${end}; k += 4u) {`, ...body("k", 4), "}"];
  const rest = [when === undefined ? "{" : `if (${when}) {`, ...body(`${whole}u`, k - whole), "}"];
  return [...whole === 0 ? [] : loop, ...whole === k ? [] : rest];
}

/** WGSL names of a formula's inputs, by index. */
export function inputNames({ gates, states }: Cell): string[] {
  return [
    ...range(gates).map((g) => `x${g}`),
    ...range(gates).map((g) => `r${g}`),
    ...range(states).map((k) => `s${k}`),
  ];
}

/** Statements that load the formula inputs in `used`, for unit `j` of row `b`. */
export function loadInputs(kernel: StepKernel, used: readonly number[]): string[] {
  const { cell, time, hidden, order } = kernel;
  const { gates } = cell;
  const h = hidden / stateWidth(kernel);
  const gate = (g: number) => `(b * ${time}u + t) * ${gates * h}u + ${g * h}u + j`;
  const names = inputNames(cell);
  const from = (i: number): string => {
    if (i < gates) return `xw[${gate(i)}]`;
    if (i < 2 * gates) return `rec[${gate(i - gates)}]`;
    if (i === 2 * gates) return `hprev[(b * ${time}u + t) * ${h}u + j]`;
    return `over${i - 2 * gates}[(b * ${time + 1}u + t + ${order.before}u) * ${h}u + j]`;
  };
  return used.map((i) => `let ${names[i]} = ${from(i)};`);
}

/** Names of the tensors that the formula inputs in `used` are loaded from. */
export function sourcesOf({ gates }: Cell, used: readonly number[]): string[] {
  return [
    ...used.some((i) => i < gates) ? ["xw"] : [],
    ...used.some((i) => i >= gates && i < 2 * gates) ? ["rec"] : [],
    ...used.some((i) => i === 2 * gates) ? ["hprev"] : [],
    ...used.filter((i) => i > 2 * gates).map((i) => `over${i - 2 * gates}`),
  ];
}

/** Prints `put` for each sum of a tile (each of its elements if 4 does not divide H), in bounds. */
export function eachSum(
  kernel: StepKernel,
  sum: SumName,
  put: (value: string, b: string, j: string) => string,
): string[] {
  const { batch, hidden, tile: [rows, units] } = kernel;
  const width = stateWidth(kernel);
  const ragged = raggedOf(kernel);
  return range(rows).flatMap((i) =>
    range(units / width).map((l) => {
      const [b, j] = [`b0 + ${i}u`, `j0 / ${width}u + ${l}u`];
      const value = width === 4 ? sum(i, l) : `${sum(i, l >> 2)}[${l & 3}]`;
      const tests = [
        ...ragged.rows ? [`${b} < ${batch}u`] : [],
        ...ragged.units ? [`${j} < ${hidden / width}u`] : [],
      ];
      const test = tests.length === 0 ? "" : `if (${tests.join(" && ")}) `;
      return `${test}{ ${put(value, b, j)} }`;
    })
  );
}
