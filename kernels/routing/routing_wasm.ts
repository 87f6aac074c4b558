/** WebAssembly kernels of the top-k choice and of the rows of experts. */
import type { WasmKernel } from "../../src/wasm/kernel.ts";
import { type Area, I32, type Pointer } from "../../src/wasm/values.ts";
import { f32x4, i32x4, v128 } from "../../src/wasm/vectors.ts";
import { fillColumns } from "../emit/copy_wasm.ts";

/** Rows, columns of a row, and how many of them are chosen. */
export interface TopKSizes {
  readonly rows: number;
  readonly columns: number;
  readonly count: number;
}

/**
 * Input x; outputs columns and elements. A pass over the columns finds the best value behind that of
 * the pass before, in the order of (value, column). All lanes hold the same.
 */
export function topKKernel({ rows, columns, count }: TopKSizes): WasmKernel {
  return {
    print: (b, { inputs: [x], outputs: [chosen, elements] }) => {
      const first = b.variable(i32x4.splat(0));
      const walks = [
        [b.at(x as Area), 4 * columns],
        [b.at(chosen as Area), 4 * count],
        [b.at(elements as Area), 4 * count],
      ] as const;
      b.walk(rows, walks, (...pointers) => {
        const [row, to, element] = pointers as [Pointer, Pointer, Pointer];
        const last = b.variable(f32x4.splat(Infinity));
        const taken = b.variable(i32x4.splat(0xffffffff));
        b.walk(count, [[to, 4], [element, 4]], (...places) => {
          const [into, at] = places as [Pointer, Pointer];
          const best = b.variable(f32x4.splat(-Infinity));
          const column = b.variable(i32x4.splat(0));
          const next = b.variable(i32x4.splat(0));
          const none = b.variable(i32x4.splat(0xffffffff));
          b.walk(columns, [[row, 4]], (from) => {
            const value = b.let(b.loadSplat(from as Pointer));
            const equal = v128.and(f32x4.eq(value, last), i32x4.gt(next, taken));
            const behind = v128.or(f32x4.lt(value, last), equal);
            // The first value that is left is taken even if it is -Infinity.
            const more = v128.or(f32x4.gt(value, best), v128.and(none, f32x4.eq(value, best)));
            const better = b.let(v128.and(behind, more));
            b.set(best, v128.select(better, value, best));
            b.set(column, v128.select(better, next, column));
            b.set(none, v128.andNot(none, better));
            b.set(next, i32x4.add(next, i32x4.splat(1)));
          });
          b.set(last, best);
          b.set(taken, column);
          b.storeOne(into, column);
          b.storeOne(at, i32x4.add(first, column));
        });
        b.set(first, i32x4.add(first, i32x4.splat(columns)));
      });
    },
  };
}

/** Sizes of the rows of experts. */
export interface ExpertRowSizes {
  /** Choices C = R * K, and K. */
  readonly choices: number;
  readonly count: number;
  /** Experts E, and how many choices one takes at most. */
  readonly experts: number;
  readonly capacity: number;
  /** Rows of a tile, and tiles of all experts. */
  readonly tile: number;
  readonly tiles: number;
}

/** Inputs order, ids; outputs rowOf, kept, tokens, groups, counts. It counts in order of choices. */
export function expertRowsKernel(sizes: ExpertRowSizes): WasmKernel {
  const { choices, count, experts, capacity, tile, tiles } = sizes;
  const rows = tile * tiles;
  return {
    scratch: 8 * experts,
    print: (b, { inputs: [, ids], outputs, scratch }) => {
      const [rowOf, kept, tokens, groups, counts] = outputs.map((area) => b.at(area)) as Pointer[];
      const [totals, starts] = [b.at(scratch), b.at(scratch, 4 * experts)];
      // Rows without a choice read some token each, so that no gradient adds many of them.
      const at = b.variable(i32x4.splat(0));
      b.walk(rows, [[tokens as Pointer, 4]], (to) => {
        b.storeOne(to as Pointer, at);
        const next = b.let(i32x4.add(at, i32x4.splat(1)));
        b.set(at, v128.and(next, i32x4.ltUnsigned(next, i32x4.splat(choices / count))));
      });
      fillColumns(b, tiles, { to: groups as Pointer, value: i32x4.splat(experts - 1) });
      fillColumns(b, experts, { to: totals });
      const cellOf = (id: Pointer) => b.loadIndex(id, experts).times(4);
      b.walk(choices, [[b.at(ids as Area), 4]], (id) => {
        const cell = b.letPointer(totals.plus(cellOf(id as Pointer)));
        b.storeInt(cell, b.loadIndex(cell, choices).plus(1));
      });
      const start = b.variable(i32x4.splat(0));
      b.for({ to: experts }, (expert) => {
        const cell = b.letPointer(totals.plus(expert.times(4)));
        const total = b.loadIndex(cell, choices + 1);
        const counted = f32x4.fromInt(i32x4.splatOf(total));
        b.storeOne((counts as Pointer).plus(expert.times(4)), counted);
        const capped = v128.select(
          i32x4.ltUnsigned(i32x4.splatOf(total), i32x4.splat(capacity)),
          i32x4.splatOf(total),
          i32x4.splat(capacity),
        );
        b.storeOne(starts.plus(expert.times(4)), start);
        const first = b.loadIndex(starts.plus(expert.times(4)), rows + 1).over(tile);
        b.storeOne(cell, capped);
        const used = b.loadIndex(cell, choices + 1).plus(tile - 1).over(tile);
        b.for({ to: used }, (i) => {
          // Through memory, since only a loaded index is known to be a tile's.
          b.storeInt(cell, first.plus(i));
          b.storeInt((groups as Pointer).plus(b.loadIndex(cell, tiles).times(4)), expert);
        });
        b.storeInt(cell, I32.of(0));
        b.set(start, i32x4.add(start, i32x4.splatOf(used.times(tile))));
      });
      const walks = [[b.at(ids as Area), 4], [rowOf as Pointer, 4], [kept as Pointer, 4]] as const;
      b.walk(choices, walks, (...pointers) => {
        const [id, to, keeps] = pointers as [Pointer, Pointer, Pointer];
        const offset = b.letInt(cellOf(id));
        const cell = b.letPointer(totals.plus(offset));
        const rank = b.loadIndex(cell, choices);
        const mask = b.let(i32x4.ltUnsigned(i32x4.splatOf(rank), i32x4.splat(capacity)));
        const place = i32x4.add(
          i32x4.splatOf(rank),
          b.loadSplat(b.letPointer(starts.plus(offset))),
        );
        b.storeOne(to, v128.and(mask, place));
        b.storeOne(keeps, v128.and(mask, f32x4.splat(1)));
        b.if(v128.any(mask), () => {
          const own = b.loadIndex(to, rows);
          // Choices follow each other, so a token is their index over K.
          const index = b.elementOf(to).over(count);
          b.storeInt((tokens as Pointer).plus(own.times(4)), index);
          b.storeInt(cell, rank.plus(1));
        });
      });
    },
  };
}
