/**
 * Lets the sums of a product begin with what its output holds: a function that reads four
 * neighbours, and what each sum begins with. Knows sizes and names of the printed kernel alone.
 */
import type { MatmulKernel, SumName } from "./matmul_wgsl.ts";

/** Where a row of an invocation's tile, and a quad of its columns, lie in C, in WGSL. */
export interface TileCoordinates {
  readonly row: (i: number) => string;
  readonly column: (q: number) => string;
}

/** A kernel's `begin`, and the WGSL that it calls; the output is bound as `y0`. */
export function printInitialSums(
  { m, n, slices }: Pick<MatmulKernel, "m" | "n" | "slices">,
  { row, column }: TileCoordinates,
): { begin: SumName; helper: string } {
  const begin: SumName = (i, q) => {
    const begun = `begun(${row(i)}, ${column(q)})`;
    return slices === undefined ? begun : `select(vec4<f32>(), ${begun}, slice == 0u)`;
  };
  const inside = (offset: number) => `row < ${m}u && column + ${offset}u < ${n}u`;
  // Beyond the edge nothing is stored, so nothing is read there either.
  const body = n % 4 === 0
    ? `if (${inside(0)}) { sum = y0[row * ${n / 4}u + column / 4u]; }`
    : ["x", "y", "z", "w"].map((lane, l) =>
      `if (${inside(l)}) { sum.${lane} = y0[row * ${n}u + column + ${l}u]; }`
    ).join("\n  ");
  const helper = `fn begun(row: u32, column: u32) -> vec4<f32> {
  var sum = vec4<f32>();
  ${body}
  return sum;
}
`;
  return { begin, helper };
}
