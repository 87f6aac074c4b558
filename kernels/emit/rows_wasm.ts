/** Loops of WebAssembly kernels over rows, and over the columns of rows in vectors of four. */
import type { Body, Variable, Walk } from "../../src/wasm/body.ts";
import type { Area, Pointer, V128 } from "../../src/wasm/values.ts";
import { acrossLanes, f32x4, i32x4, v128 } from "../../src/wasm/vectors.ts";

/** Elements of one vector. */
const LANES = 4;
/** Rows whose sums are joined in one vector. */
const BLOCK = 4;

/** Neighbouring vectors of a row. */
export interface ColumnStep {
  /** The pointers at the first column of the step. */
  readonly at: readonly Pointer[];
  /** For each vector the lanes in use: 4, or fewer in the last one of a row. */
  readonly lanes: readonly number[];
}

/**
 * Prints the columns of a row: a loop over `vectors` vectors at a time, then one step for the rest.
 * All pointers advance by 4 bytes per column.
 */
export function eachColumns(
  b: Body,
  columns: number,
  { from, vectors = 2 }: { readonly from: readonly Pointer[]; readonly vectors?: number },
  body: (step: ColumnStep) => void,
): void {
  const width = LANES * vectors;
  const steps = Math.floor(columns / width);
  const full = Array.from({ length: vectors }, () => LANES);
  b.walk(steps, from.map((pointer) => [pointer, 4 * width]), (...at) => body({ at, lanes: full }));
  const rest = columns - steps * width;
  if (rest === 0) return;
  const lanes = full.slice(0, Math.ceil(rest / LANES)).with(-1, (rest - 1) % LANES + 1);
  body({ at: from.map((pointer) => pointer.plus(4 * width * steps)), lanes });
}

/** Prints rows in blocks of `block`, then one at a time. */
export function eachRows(
  b: Body,
  rows: number,
  { walks, block = BLOCK }: { readonly walks: readonly Walk[]; readonly block?: number },
  body: (at: readonly Pointer[], count: number) => void,
): void {
  const blocks = Math.floor(rows / block);
  b.walk(
    blocks,
    walks.map(([pointer, step]) => [pointer, block * step]),
    (...at) => body(at, block),
  );
  const rest = walks.map(([pointer, step]): Walk => [pointer.plus(blocks * block * step), step]);
  b.walk(rows - blocks * block, rest, (...at) => body(at, 1));
}

/** The value in the first `lanes` lanes, zeros in the others. */
export function keepLanes(value: V128, lanes: number): V128 {
  return lanes === LANES ? value : v128.and(value, laneMask(lanes));
}

/** The value in the first `lanes` lanes, `other` in the others. */
export function fillLanes(value: V128, lanes: number, other: number): V128 {
  if (lanes === LANES || other === 0) return keepLanes(value, lanes);
  return v128.select(laneMask(lanes), value, f32x4.splat(other));
}

function laneMask(lanes: number): V128 {
  const [a = 0, b = 0, c = 0, d = 0] = [0, 1, 2, 3].map((lane) => lane < lanes ? 0xffffffff : 0);
  return i32x4.of(a, b, c, d);
}

/** Values of rows, for each of the two vectors of a step, which steps change. */
export type RowValues = readonly (readonly Variable[])[];

/** Values of `rows` rows, all with the given start. */
export function rowValues(
  b: Body,
  rows: number,
  { start = v128.zero }: { readonly start?: V128 } = {},
): RowValues {
  return Array.from(
    { length: rows },
    () => [b.variable(start), b.variable(start)],
  );
}

/** Combines vectors, and their lanes; commutative. */
type Join = (a: V128, b: V128) => V128;

/** Replaces the value of vector `k` of a row. */
export function updateVector(
  b: Body,
  row: readonly Variable[] | undefined,
  k: number,
  next: (old: V128) => V128,
): void {
  const value = row?.[k] as Variable;
  b.set(value, next(value));
}

/** Bytes of the two vectors of a row. */
export const ROW_BYTES = 2 * 4 * LANES;
/** Bytes of scratch memory that {@linkcode joinRows} takes. */
export const JOIN_BYTES = BLOCK * ROW_BYTES;

/**
 * Combines the values of each row as {@linkcode joinStored} does. They go through `scratch`, because
 * V8 joins neighbouring vectors only from a pair of stores upwards.
 */
export function joinRows(
  b: Body,
  values: RowValues,
  { scratch, op }: { readonly scratch: Area; readonly op?: Join },
): V128 {
  const at = b.at(scratch);
  values.forEach((row, r) => storeRow(b, row, at.plus(r * ROW_BYTES)));
  return joinStored(b, values.length, { at, ...op && { op } });
}

/** Stores the two vectors of a row for {@linkcode joinStored}. */
export function storeRow(b: Body, row: readonly V128[], to: Pointer): void {
  row.forEach((value, k) => b.store(to.plus(16 * k), value));
}

/**
 * Combines stored pairs of vectors of 1, 2 or 4 rows: lane r of the result is that of row r; of one
 * row it is in all lanes. The order is always the same: the two vectors, then lanes as
 * {@linkcode acrossLanes} does.
 */
export function joinStored(
  b: Body,
  rows: number,
  { at, op = f32x4.add }: { readonly at: Pointer; readonly op?: Join },
): V128 {
  const load = (bytes: number) => b.load(at.plus(bytes));
  const joined = Array.from({ length: rows }, (_, r) => {
    return b.let(op(load(r * ROW_BYTES), load(r * ROW_BYTES + 16)));
  });
  const [first, second, third, fourth] = joined;
  if (first === undefined || second === undefined) return b.let(acrossLanes(first as V128, op));
  const left = b.let(halves(first, second, op));
  if (third === undefined || fourth === undefined) {
    return b.let(op(left, v128.shuffle(left, left, [2, 3, 0, 1])));
  }
  const right = b.let(halves(third, fourth, op));
  return b.let(
    op(v128.shuffle(left, right, [0, 1, 4, 5]), v128.shuffle(left, right, [2, 3, 6, 7])),
  );
}

/** [a0 op a2, b0 op b2, a1 op a3, b1 op b3] */
function halves(a: V128, c: V128, op: Join): V128 {
  return op(v128.shuffle(a, c, [0, 4, 1, 5]), v128.shuffle(a, c, [2, 6, 3, 7]));
}

/** Writes the sum of `rows` rows, which are `stride` bytes apart, in the order of rows. */
export function addRows(
  b: Body,
  { rows, columns, stride, from, to, next = f32x4.add, finish = (sum) => sum }: {
    readonly rows: number;
    readonly columns: number;
    readonly stride: number;
    readonly from: Pointer;
    readonly to: Pointer;
    /** The sum with one more value; default: their sum. */
    readonly next?: (sum: V128, value: V128) => V128;
    /** What is written of a sum; default: the sum. */
    readonly finish?: (sum: V128) => V128;
  },
): void {
  eachColumns(b, columns, { from: [from, to], vectors: 2 * BLOCK }, ({ at, lanes }) => {
    const [first, into] = at as [Pointer, Pointer];
    const sums = lanes.map(() => b.variable(v128.zero));
    b.walk(rows, [[first, stride]], (row) => {
      lanes.forEach((n, k) => {
        const value = b.let(b.loadSome((row as Pointer).plus(16 * k), n));
        updateVector(b, sums, k, (old) => next(old, value));
      });
    });
    const values = sums.map((sum) => b.let(finish(sum)));
    lanes.forEach((n, k) => b.storeSome(into.plus(16 * k), values[k] as V128, n));
  });
}
