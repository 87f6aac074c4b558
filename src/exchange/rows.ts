/**
 * Maps parameters between our names and another program's. Export and import use the same table, so
 * that they are inverse.
 */
import { UserError } from "../base/user_error.ts";
import { sameShape, type Shape, showShape } from "../base/shape.ts";
import type { ForeignFile } from "../checkpoint/tensors/foreign.ts";
import type { NamedTensor } from "../checkpoint/tensors/tensor.ts";

/** One parameter in both layouts. */
export interface LayoutRow {
  readonly ours: string;
  readonly theirs: string;
  /** Shape in the other layout. */
  readonly shape: Shape;
  /** Whether the matrix is transposed in our layout. */
  readonly transposed?: boolean;
}

/** Source of foreign tensors, and names to ignore. */
export interface InwardOptions {
  /** The file, for errors. */
  readonly what: string;
  readonly ignored?: RegExp;
}

/** Exports parameters. @throws {RangeError} when one is missing or has another shape. */
export function outward(
  params: ReadonlyMap<string, NamedTensor>,
  rows: readonly LayoutRow[],
): NamedTensor[] {
  return rows.map(({ ours, theirs, shape, transposed = false }) => {
    const found = params.get(ours);
    const own = transposed ? shape.toReversed() : shape;
    if (found === undefined || !sameShape(found.shape, own)) {
      const actual = found === undefined ? "missing" : showShape(found.shape);
      throw new RangeError(`Cannot export ${ours}: need ${showShape(own)}: it is ${actual}`);
    }
    return { name: theirs, shape, data: transposed ? transpose(found) : found.data };
  });
}

/**
 * Imports parameters. @throws {UserError} `data` when one is missing, has another shape or is not
 * finite, or when a tensor is in no row.
 */
export function inward(
  { tensors, others }: Pick<ForeignFile, "tensors" | "others">,
  rows: readonly LayoutRow[],
  { what, ignored }: InwardOptions,
): Map<string, NamedTensor> {
  const params = new Map<string, NamedTensor>();
  const bad = (fault: string) => new UserError("data", `Cannot import ${what}: ${fault}`);
  for (const { ours, theirs, shape, transposed = false } of rows) {
    const found = tensors.get(theirs);
    if (found === undefined) {
      const dtype = others.get(theirs);
      throw bad(
        dtype === undefined
          ? `need the tensor ${theirs} ${showShape(shape)}: it is missing`
          : `need ${theirs} in F32, F16 or BF16: it is ${dtype}`,
      );
    }
    if (!sameShape(found.shape, shape)) {
      throw bad(`need ${theirs} of shape ${showShape(shape)}: it is ${showShape(found.shape)}`);
    }
    const odd = found.data.findIndex((x) => !Number.isFinite(x));
    if (odd >= 0) throw bad(`need finite numbers: ${theirs} has ${found.data[odd]} at ${odd}`);
    const own = transposed ? shape.toReversed() : shape;
    params.set(ours, { name: ours, shape: own, data: transposed ? transpose(found) : found.data });
  }
  const known = new Set(rows.map(({ theirs }) => theirs));
  for (const name of [...tensors.keys(), ...others.keys()]) {
    if (known.has(name) || ignored?.test(name)) continue;
    throw bad(`need tensors of the model alone: ${name} is not one of them`);
  }
  return params;
}

/** Transposes a matrix [R, C] to [C, R]. */
export function transpose({ shape, data }: NamedTensor): Float32Array {
  const [rows = 1, columns = 1] = shape;
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) out[c * rows + r] = data[r * columns + c] as number;
  }
  return out;
}
