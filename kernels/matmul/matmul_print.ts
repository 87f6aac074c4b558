/**
 * Prints a complete matmul kernel: the product (register tiles or blocks), the reduction of slices,
 * and the epilogue that stores each sum.
 */
import { sizeOf } from "../../src/base/shape.ts";
import { printFormula } from "../../src/graph/formula_wgsl.ts";
import type { Formula } from "../../src/graph/formula.ts";
import type { Io, Spec } from "../../src/graph/types.ts";
import { broadcastKindOf, declareInput, preludeOf, readInput } from "../pointwise/broadcast.ts";
import { printInitialSums } from "./matmul_initial_sum.ts";
import type { TileCoordinates } from "./matmul_initial_sum.ts";
import { blockColumn, blockRow, printBlocks } from "./matmul_block_wgsl.ts";
import { addSlices, threadsOf } from "./matmul_slices_wgsl.ts";
import { range } from "../emit/range.ts";
import { printMatmul } from "./matmul_wgsl.ts";
import type { MatmulKernel } from "./matmul_wgsl.ts";

/** Sizes and tiling, and whether sums accumulate onto the output. */
type PrintedKernel = Omit<MatmulKernel, "initialSum"> & { readonly onto: boolean };

/** A printed product whose sums are in vec4 registers `c<row>_<quad>`. */
interface PrintedProduct extends TileCoordinates {
  readonly head: string;
  readonly body: string;
  /** Parameters of `main` besides the workgroup id, and the workgroup size. */
  readonly builtins: string;
  readonly size: string;
  /**
   * Stores need no bounds check if these divide M and N: a tile, or a workgroup without early exit.
   */
  readonly rows: number;
  readonly columns: number;
}

function printSums({ onto, ...kernel }: PrintedKernel): PrintedProduct {
  const { tile: [tm, tn], group: [gx, gy], lanes, slices, steps } = kernel;
  const coordinates: TileCoordinates = steps === undefined
    ? { row: (i) => `m0 + ${i}u`, column: (q) => `n0 + ${4 * q}u` }
    : { row: (i) => blockRow(kernel, i), column: (q) => blockColumn(kernel, q) };
  const { initialSum, helper } = onto
    ? printInitialSums(kernel, coordinates)
    : { initialSum: undefined, helper: "" };
  const initialised: MatmulKernel = { ...kernel, ...initialSum && { initialSum } };
  const { head, body } = steps === undefined
    ? printMatmul(initialised)
    : printBlocks({ ...initialised, steps });
  const printed = { ...coordinates, head: head + helper, body };
  if (steps !== undefined || slices !== undefined) {
    const builtins = "@builtin(local_invocation_index) lid: u32";
    const size = String(threadsOf(kernel));
    return { ...printed, builtins, size, rows: tm * gy, columns: tn * gx };
  }
  const builtins = lanes === undefined
    ? "@builtin(local_invocation_id) lid: vec3<u32>"
    : "@builtin(subgroup_invocation_id) lane: u32";
  const columns = lanes === undefined ? tn : tn * gx;
  return { ...printed, builtins, size: `${gx}, ${gy}`, rows: tm, columns };
}

/** The kernel that stores `epilogue` of (sum, inputs 2, 3, ...) to all outputs. */
export function printProduct(
  { inputs, outputs }: Io<Spec>,
  epilogue: Formula,
  kernel: PrintedKernel,
): string {
  const { n, m, tile: [tm, tn], batch } = kernel;
  const out = outputs[0] as Spec;
  const width = n % 4 === 0 ? 4 : 1;
  const start = batch === undefined ? "" : ` + ${batch} * ${m * n / width}u`;
  const product = printSums(kernel);
  const added = addSlices(kernel);
  const extra = inputs.slice(2);
  let bindings = preludeOf(epilogue) + product.head + added.head;
  extra.forEach((spec, i) => {
    bindings += declareInput(spec, out, { name: `e${i}`, binding: 2 + i, width });
  });
  const array = width === 4 ? "array<vec4<f32>>" : "array<f32>";
  outputs.forEach((_, i) => {
    const at = 2 + extra.length + i;
    bindings += `@group(0) @binding(${at}) var<storage, read_write> y${i}: ${array};\n`;
  });
  const perRow = extra.map((spec) =>
    broadcastKindOf(spec, out) === "suffix" && sizeOf(spec.shape) === n
  );
  // Inputs with one value per column are loaded once per column: software drivers do not hoist
  // them.
  const shared = range(tn / width).flatMap((c) => {
    const column = width === 4
      ? `(${product.column(c)}) / 4u`
      : `${product.column(c >> 2)} + ${c & 3}u`;
    const place = n % product.columns === 0 ? column : `min(${column}, ${n / width - 1}u)`;
    return perRow.flatMap((is, i) => is ? [`let e${i}_${c} = e${i}[${place}];`] : []);
  });
  const store = (sum: string, c: number) => {
    const reads = extra.map((spec, i) =>
      perRow[i] ? `e${i}_${c}` : readInput(spec, out, { name: `e${i}`, at: "at", width })
    );
    const index = width === 4 ? "at * 4u" : "at";
    const { lines, outputs } = printFormula(epilogue, { input: [sum, ...reads], index, width });
    return [...lines, ...outputs.map((name, i) => `y${i}[at] = ${name};`)].join(" ");
  };
  // Stores are unrolled: indexing an array of registers in a loop takes seconds to compile.
  const storeQuad = (i: number, q: number): string[] => {
    const row = product.row(i);
    const inside = (column: string) =>
      [
        ...m % product.rows === 0 ? [] : [`${row} < ${m}u`],
        ...n % product.columns === 0 ? [] : [`${column} < ${n}u`],
      ].join(" && ");
    const put = (sum: string, column: string, c: number) => {
      const test = inside(column);
      const at = width === 4 ? `(${column}) / 4u` : column;
      const body = `{ let at = (${row}) * ${n / width}u + ${at}${start}; ${store(sum, c)} }`;
      return test === "" ? body : `if (${test}) ${body}`;
    };
    if (width === 4) return [put(`c${i}_${q}`, product.column(q), q)];
    return range(4).map((l) => put(`c${i}_${q}[${l}]`, `${product.column(q)} + ${l}u`, 4 * q + l));
  };
  const stores = range(tm).flatMap((i) => range(tn / 4).flatMap((q) => storeQuad(i, q)));
  return `${bindings}
@compute @workgroup_size(${product.size})
fn main(@builtin(workgroup_id) wid: vec3<u32>, ${product.builtins}) {
${product.body}
${added.body}  ${[...shared, ...stores].join("\n  ")}
}
`;
}
