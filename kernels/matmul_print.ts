/**
 * The whole text of a matrix product's kernel: the printed product, and the epilogue behind it that
 * stores each sum. Knows no sizes but those of its kernel, and chooses nothing.
 */
import { printFormula } from "../src/graph/formula_wgsl.ts";
import type { Formula } from "../src/graph/formula.ts";
import type { Io, Spec } from "../src/graph/types.ts";
import { declare, preludeOf, read } from "./broadcast.ts";
import { blockColumn, blockRow, printBlocks } from "./matmul_block_wgsl.ts";
import { addSlices, threadsOf } from "./matmul_slices_wgsl.ts";
import { printMatmul, range } from "./matmul_wgsl.ts";
import type { MatmulKernel } from "./matmul_wgsl.ts";

/** A product whose sums lie in vec4s `c<row>_<quad>`. */
interface Product {
  readonly head: string;
  readonly body: string;
  /** What `main` is told besides its workgroup, and how many invocations there are. */
  readonly told: string;
  readonly size: string;
  /** Where a row of the tile, and a quad of its columns, lie in C, in WGSL. */
  readonly row: (i: number) => string;
  readonly column: (q: number) => string;
  /** Rows that a workgroup covers, where its invocations may lie beyond the edge. */
  readonly rows: number;
}

function productOf(kernel: MatmulKernel): Product {
  const { tile: [tm], group: [gx, gy], lanes, slices, steps } = kernel;
  const told = "@builtin(local_invocation_index) lid: u32";
  const size = String(threadsOf(kernel));
  if (steps !== undefined) {
    return {
      ...printBlocks({ ...kernel, steps }),
      told,
      size,
      row: (i) => blockRow(kernel, i),
      column: (q) => blockColumn(kernel, q),
      rows: tm * gy,
    };
  }
  const own = { row: (i: number) => `m0 + ${i}u`, column: (q: number) => `n0 + ${4 * q}u` };
  const printed = { ...printMatmul(kernel), ...own };
  if (slices !== undefined) return { ...printed, told, size, rows: tm * gy };
  const alone = lanes === undefined
    ? "@builtin(local_invocation_id) lid: vec3<u32>"
    : "@builtin(subgroup_invocation_id) lane: u32";
  return { ...printed, told: alone, size: `${gx}, ${gy}`, rows: tm };
}

/** The kernel that stores `epilogue` of (sum, inputs from the third on) to all outputs. */
export function printProduct(
  { inputs, outputs }: Io<Spec>,
  epilogue: Formula,
  kernel: MatmulKernel,
): string {
  const { n, m, tile: [tm, tn] } = kernel;
  const out = outputs[0] as Spec;
  const width = n % 4 === 0 ? 4 : 1;
  const product = productOf(kernel);
  const added = addSlices(kernel);
  const extra = inputs.slice(2);
  let bindings = preludeOf(epilogue) + product.head + added.head;
  extra.forEach((spec, i) => {
    bindings += declare(spec, out, { name: `e${i}`, binding: 2 + i, width });
  });
  const array = width === 4 ? "array<vec4<f32>>" : "array<f32>";
  outputs.forEach((_, i) => {
    const at = 2 + extra.length + i;
    bindings += `@group(0) @binding(${at}) var<storage, read_write> y${i}: ${array};\n`;
  });
  const reads = (at: string) => extra.map((s, i) => read(s, out, { name: `e${i}`, at, width }));
  const printed = (sum: string, at: string) =>
    printFormula(epilogue, {
      input: [sum, ...reads(at)],
      index: width === 4 ? `${at} * 4u` : at,
      width,
    });
  const store = (sum: string, at: string) => {
    const { lines, outputs } = printed(sum, at);
    return [...lines, ...outputs.map((name, i) => `y${i}[${at}] = ${name};`)].join(" ");
  };
  // Every quad is stored from its registers: an array indexed in a loop would compile for seconds.
  const storeQuad = (i: number, q: number): string => {
    const [row, column] = [product.row(i), product.column(q)];
    const inside = m % product.rows === 0 ? "" : `${row} < ${m}u && `;
    if (width === 4) {
      const at = `let at = (${row}) * ${n / 4}u + (${column}) / 4u;`;
      return `if (${inside}${column} < ${n}u) { ${at} ${store(`c${i}_${q}`, "at")} }`;
    }
    return range(4).map((l) => {
      const at = `let at = (${row}) * ${n}u + ${column} + ${l}u;`;
      return `if (${inside}${column} + ${l}u < ${n}u) { ${at} ${store(`c${i}_${q}[${l}]`, "at")} }`;
    }).join("\n  ");
  };
  const stores = range(tm).flatMap((i) => range(tn / 4).map((q) => storeQuad(i, q)));
  return `${bindings}
@compute @workgroup_size(${product.size})
fn main(@builtin(workgroup_id) wid: vec3<u32>, ${product.told}) {
${product.body}
${added.body}  ${stores.join("\n  ")}
}
`;
}
