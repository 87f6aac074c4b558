/** WebAssembly kernels of the embedding lookup, its gradient, and argsort. */
import type { Body } from "../../src/wasm/body.ts";
import type { WasmKernel } from "../../src/wasm/kernel.ts";
import { type Area, I32, type Pointer, type V128 } from "../../src/wasm/values.ts";
import { acrossLanes, f32x4, i32x4, v128 } from "../../src/wasm/vectors.ts";
import { copyColumns, fillColumns } from "../emit/copy_wasm.ts";
import { eachColumns } from "../emit/rows_wasm.ts";

/** Rows of the table, ids, and elements of a row. */
export interface EmbeddingSizes {
  readonly vocabulary: number;
  readonly positions: number;
  readonly columns: number;
}

/** Runs `body` if the id at a pointer is a row of the table, with its offset in bytes. */
function ifRow(
  b: Body,
  { id, vocabulary, columns }: { id: Pointer; vocabulary: number; columns: number },
  body: (offset: I32) => void,
): void {
  const isRow = i32x4.ltUnsigned(b.loadSplat(id), i32x4.splat(vocabulary));
  const offset = b.loadIndex(id, vocabulary).times(4 * columns);
  b.if(v128.any(isRow), () => body(offset));
}

/** Inputs table, ids; output: the rows. An id that is no row leaves its row as it is. */
export function embeddingKernel({ vocabulary, positions, columns }: EmbeddingSizes): WasmKernel {
  return {
    print: (b, { inputs: [table, ids], outputs: [y] }) => {
      const walks = [[b.at(ids as Area), 4], [b.at(y as Area), 4 * columns]] as const;
      b.walk(positions, walks, (id, to) => {
        ifRow(b, { id: id as Pointer, vocabulary, columns }, (offset) => {
          const from = b.letPointer(b.at(table as Area, offset));
          copyColumns(b, columns, { from, to: to as Pointer });
        });
      });
    },
  };
}

/** Inputs order, ids, dy; output dtable. An id that is no row is left out. */
export function embeddingBackwardKernel(
  { vocabulary, positions, columns }: EmbeddingSizes,
): WasmKernel {
  return {
    print: (b, { inputs: [order, ids, dy], outputs: [dtable] }) => {
      fillColumns(b, vocabulary * columns, { to: b.at(dtable as Area) });
      b.walk(positions, [[b.at(order as Area), 4]], (at) => {
        const position = b.loadIndex(at as Pointer, positions);
        const id = b.at(ids as Area, position.times(4));
        ifRow(b, { id, vocabulary, columns }, (offset) => {
          const row = b.letPointer(b.at(dy as Area, position.times(4 * columns)));
          const sum = b.letPointer(b.at(dtable as Area, offset));
          eachColumns(b, columns, { from: [sum, row], vectors: 4 }, ({ at, lanes }) => {
            const [p, q] = at as [Pointer, Pointer];
            const values = lanes.map((n, k) => {
              const [own, more] = [p, q].map((at) => b.loadSome(at.plus(16 * k), n));
              return b.let(f32x4.add(own as V128, more as V128));
            });
            lanes.forEach((n, k) => b.storeSome(p.plus(16 * k), values[k] as V128, n));
          });
        });
      });
    },
  };
}

/** Values of a digit, and digits of an id. */
const [RADIX, DIGITS] = [256, 4];

/**
 * Stable argsort of `n` u32 by radix sort from the lowest digit up (Knuth, The Art of Computer
 * Programming, volume 3, section 5.2.5). A digit that is zero in all ids takes no time.
 */
export function argsortKernel(n: number): WasmKernel {
  const cells = 4 * RADIX;
  return {
    scratch: cells + 4 + 4 * n,
    print: (b, { inputs: [ids], outputs: [order], scratch }) => {
      const from = b.at(ids as Area);
      const [counts, running, sorted] = [0, cells, cells + 4].map((at) => b.at(scratch, at)) as [
        Pointer,
        Pointer,
        Pointer,
      ];
      const bits = b.variable(v128.zero);
      const next = b.variable(i32x4.of(0, 1, 2, 3));
      eachColumns(b, n, { from: [from, b.at(order as Area)], vectors: 1 }, ({ at, lanes: [n] }) => {
        const [p, q] = at as [Pointer, Pointer];
        b.set(bits, v128.or(bits, b.loadSome(p, n as number)));
        b.storeSome(q, next, n as number);
        b.set(next, i32x4.add(next, i32x4.splat(4)));
      });
      const used = b.let(acrossLanes(bits, v128.or));
      for (let digit = 0; digit < DIGITS; digit++) {
        const scale = RADIX ** digit;
        const isUsed = v128.any(v128.and(used, i32x4.splat((RADIX - 1) * scale)));
        const cellOf = (id: Pointer) => {
          const value = b.loadIndex(id, 2 ** 32).over(scale).modulo(RADIX);
          return b.letPointer(counts.plus(value.times(4)));
        };
        b.if(isUsed, () => {
          fillColumns(b, RADIX, { to: counts });
          b.walk(n, [[from, 4]], (id) => {
            const cell = cellOf(id as Pointer);
            b.storeInt(cell, b.loadIndex(cell, n).plus(1));
          });
          // The first place of each value: the number of smaller ones.
          b.storeInt(running, I32.of(0));
          b.walk(RADIX, [[counts, 4]], (cell) => {
            const count = b.loadIndex(cell as Pointer, n + 1);
            const before = b.loadIndex(running, n + 1);
            b.storeInt(cell as Pointer, before);
            b.storeInt(running, before.plus(count));
          });
          b.walk(n, [[b.at(order as Area), 4]], (at) => {
            const position = b.loadIndex(at as Pointer, n);
            const cell = cellOf(from.plus(position.times(4)));
            const place = b.loadIndex(cell, n);
            b.storeInt(sorted.plus(place.times(4)), position);
            b.storeInt(cell, place.plus(1));
          });
          copyColumns(b, n, { from: sorted, to: b.at(order as Area) });
        });
      }
    },
  };
}
