/**
 * Maps parameters between our names and another program's. Export and import use the same table, so
 * that they are inverse.
 */
import { UserError } from "../base/user_error.ts";
import { sameShape, type Shape, showShape, sizeOf } from "../base/shape.ts";
import type { ForeignFile } from "../checkpoint/tensors/foreign.ts";
import type { NamedTensor } from "../checkpoint/tensors/tensor.ts";
import { type ChannelsFirst, fromChannelsFirst, toChannelsFirst } from "./channels_first.ts";

/** One parameter in both layouts. */
export interface LayoutRow {
  readonly ours: string;
  readonly theirs: string;
  /** Shape in the other layout. */
  readonly shape: Shape;
  /** Whether the matrix is transposed in our layout. */
  readonly transposed?: boolean;
  /** Where it is a matrix [out, in...] over channels and places, in another order in our layout. */
  readonly channelsFirst?: ChannelsFirst;
  /** Where it is a part of our parameter. */
  readonly within?: LayoutPart;
}

/** A part of a parameter: columns of a matrix, or of one in a stack of matrices. */
export interface LayoutPart {
  /** Its first column, and all columns. */
  readonly first: number;
  readonly columns: number;
  /** Index of the matrix, and number of matrices; default: the parameter is one matrix. */
  readonly matrix?: { readonly index: number; readonly count: number };
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
  return rows.map((row) => {
    const { ours, theirs, shape, within } = row;
    const found = params.get(ours);
    const whole = wholeShape(row);
    if (found === undefined || !sameShape(found.shape, whole)) {
      const actual = found === undefined ? "missing" : showShape(found.shape);
      throw new RangeError(`Cannot export ${ours}: need ${showShape(whole)}: it is ${actual}`);
    }
    const own = within === undefined ? found : columnsOf(found, row);
    return { name: theirs, shape, data: theirOrder(own, row) };
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
  for (const row of rows) {
    const { ours, theirs, shape, within } = row;
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
    const data = ourOrder(found, row);
    if (within === undefined) {
      params.set(ours, { name: ours, shape: wholeShape(row), data });
    } else {
      const whole = params.get(ours) ?? zeros(ours, wholeShape(row));
      setColumns(whole, row, data);
      params.set(ours, whole);
    }
  }
  const known = new Set(rows.map(({ theirs }) => theirs));
  for (const name of [...tensors.keys(), ...others.keys()]) {
    if (known.has(name) || ignored?.test(name)) continue;
    throw bad(`need tensors of the model alone: ${name} is not one of them`);
  }
  return params;
}

function theirOrder(own: NamedTensor, { transposed = false, channelsFirst }: LayoutRow) {
  if (channelsFirst !== undefined) return toChannelsFirst(own.data, channelsFirst);
  return transposed ? transpose(own) : own.data;
}

function ourOrder(found: NamedTensor, { transposed = false, channelsFirst }: LayoutRow) {
  if (channelsFirst !== undefined) return fromChannelsFirst(found.data, channelsFirst);
  return transposed ? transpose(found) : found.data;
}

/** The shape of a row's tensor in our layout. */
function partShape({ shape, transposed = false, channelsFirst }: LayoutRow): Shape {
  if (channelsFirst !== undefined) return [sizeOf(shape.slice(1)), shape[0] as number];
  return transposed ? shape.toReversed() : shape;
}

/** The shape of our parameter. */
function wholeShape(row: LayoutRow): Shape {
  const [own, { within }] = [partShape(row), row];
  if (within === undefined) return own;
  const matrix = [...own.slice(0, -1), within.columns];
  return within.matrix === undefined ? matrix : [within.matrix.count, ...matrix];
}

function zeros(name: string, shape: Shape): NamedTensor {
  return { name, shape, data: new Float32Array(sizeOf(shape)) };
}

/** Calls `copy` with the range of each of our parameter's rows that a part holds. */
function eachRow(
  row: LayoutRow,
  copy: (inWhole: number, inPart: number, count: number) => void,
): void {
  const { first, columns, matrix } = row.within as LayoutPart;
  const shape = partShape(row);
  const count = shape.at(-1) as number;
  const rows = sizeOf(shape) / count;
  const start = (matrix?.index ?? 0) * rows * columns + first;
  for (let r = 0; r < rows; r++) copy(start + r * columns, r * count, count);
}

function columnsOf({ data }: NamedTensor, row: LayoutRow): NamedTensor {
  const part = zeros(row.theirs, partShape(row));
  eachRow(row, (from, to, count) => part.data.set(data.subarray(from, from + count), to));
  return part;
}

function setColumns(whole: NamedTensor, row: LayoutRow, data: Float32Array): void {
  eachRow(row, (to, from, count) => whole.data.set(data.subarray(from, from + count), to));
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
