/** WebAssembly kernels that test and change bits of floats: finite and tree_add. */
import type { WasmKernel } from "../../src/wasm/kernel.ts";
import type { Area, Pointer, V128 } from "../../src/wasm/values.ts";
import { treeAddVectors } from "../../src/wasm/tree_add.ts";
import { i32x4, v128 } from "../../src/wasm/vectors.ts";
import { eachColumns, JOIN_BYTES, joinRows, rowValues, updateVector } from "../emit/rows_wasm.ts";

/** Bits of the exponent; all ones in infinities and NaN. */
const EXPONENT = i32x4.splat(0x7f800000);

/** Counts the elements of all inputs that are not finite; `sizes` are their numbers of elements. */
export function finiteKernel(sizes: readonly number[]): WasmKernel {
  return {
    scratch: JOIN_BYTES,
    print: (b, { inputs, outputs: [count], scratch }) => {
      const [counts = []] = rowValues(b, 1);
      sizes.forEach((n, input) => {
        eachColumns(b, n, { from: [b.at(inputs[input] as Area)] }, ({ at: [p], lanes }) => {
          lanes.forEach((n, k) => {
            const word = b.loadSome((p as Pointer).plus(16 * k), n);
            // A comparison that holds is -1.
            const isHit = i32x4.eq(v128.and(word, EXPONENT), EXPONENT);
            updateVector(b, counts, k, (old) => i32x4.sub(old, isHit));
          });
        });
      });
      b.storeOne(b.at(count as Area), joinRows(b, [counts], { scratch, op: i32x4.add }));
    },
  };
}

/** Adds input 1 to input 0 in place, as the reduction tree adds; `n`: number of elements. */
export function treeAddKernel(n: number): WasmKernel {
  return {
    print: (b, { inputs: [, other], outputs: [sum] }) => {
      const from = [b.at(sum as Area), b.at(other as Area)];
      eachColumns(b, n, { from, vectors: 4 }, ({ at, lanes }) => {
        const [p, q] = at as [Pointer, Pointer];
        const values = lanes.map((n, k) => {
          const [left, right] = [p, q].map((at) => b.let(b.loadSome(at.plus(16 * k), n)));
          return treeAddVectors(b, left as V128, right as V128);
        });
        lanes.forEach((n, k) => b.storeSome(p.plus(16 * k), values[k] as V128, n));
      });
    },
  };
}
