/**
 * Prints the initial sums of an accumulating product (`onto`): a WGSL helper that loads four
 * adjacent columns of the output, and the expression that initialises each register.
 */
import type { MatmulKernel, SumName } from "./matmul_wgsl.ts";

/** WGSL of the coordinates in C of a row and of a quad of columns of an invocation's tile. */
export interface TileCoordinates {
  readonly row: (i: number) => string;
  readonly column: (q: number) => string;
}

/** A kernel's `initialSum` and the WGSL helper that it calls; the output is bound as `y0`. */
export function printInitialSums(
  { m, n, slices }: Pick<MatmulKernel, "m" | "n" | "slices">,
  { row, column }: TileCoordinates,
): { initialSum: SumName; helper: string } {
  const initialSum: SumName = (i, q) => {
    const loaded = `begun(${row(i)}, ${column(q)})`;
    return slices === undefined ? loaded : `select(vec4<f32>(), ${loaded}, slice == 0u)`;
  };
  const inside = (offset: number) => `row < ${m}u && column + ${offset}u < ${n}u`;
  // Elements beyond the edge are not stored, so they are not loaded either.
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
  return { initialSum, helper };
}
