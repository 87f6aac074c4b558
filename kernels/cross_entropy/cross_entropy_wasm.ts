/** WebAssembly kernels of cross entropy, its gradient, and correct predictions. */
import { IGNORE } from "../../src/base/ignore.ts";
import type { Body } from "../../src/wasm/body.ts";
import type { WasmKernel } from "../../src/wasm/kernel.ts";
import { expNormal } from "../../src/wasm/exp_normal.ts";
import { logVector } from "../../src/wasm/math.ts";
import type { Area, I32, Pointer, V128 } from "../../src/wasm/values.ts";
import { f32x4, i32x4, v128 } from "../../src/wasm/vectors.ts";
import { EXPONENTIAL_BYTES, printExponentials } from "../emit/exponentials_wasm.ts";
import {
  eachColumns,
  eachRows,
  JOIN_BYTES,
  joinRows,
  keepLanes,
  rowValues,
  updateVector,
} from "../emit/rows_wasm.ts";
import type { RowSizes } from "../reduce/row_sizes.ts";

/** A row's target: its id in all lanes, whether that is a class, and the logit of it. */
interface TargetClass {
  readonly id: V128;
  /** All ones if the id is below the number of classes, else zeros. */
  readonly isClass: V128;
  /** Bytes from the start of the row to its logit, or to the last one if the id is no class. */
  readonly offset: I32;
}

function targetOf(b: Body, columns: number, target: Pointer): TargetClass {
  const id = b.let(b.loadSplat(target));
  const isClass = b.let(i32x4.ltUnsigned(id, i32x4.splat(columns)));
  return { id, isClass, offset: b.loadIndex(target, columns).times(4) };
}

/** Inputs logits, targets; outputs loss, lse. A target that is no class has loss NaN. */
export function crossEntropyKernel({ rows, columns }: RowSizes): WasmKernel {
  const stride = 4 * columns;
  return {
    scratch: EXPONENTIAL_BYTES,
    print: (b, { inputs: [logits, targets], outputs: [losses, lses], scratch }) => {
      const walks = [
        [b.at(logits as Area), stride],
        [b.at(targets as Area), 4],
        [b.at(losses as Area), 4],
        [b.at(lses as Area), 4],
      ] as const;
      eachRows(b, rows, { walks }, (at, count) => {
        const [x, target, loss, lse] = at as [Pointer, Pointer, Pointer, Pointer];
        const { top, tops, total } = printExponentials(b, { columns, count }, { x, scratch });
        const log = b.let(logVector(b, total));
        b.storeSome(lse, b.let(f32x4.add(top, log)), count);
        b.storeSome(loss, log, count);
        // Not lse - z: large logits round away the digits of a small loss.
        const walks = [[x, stride], [target, 4], [loss, 4], [tops, 4]] as const;
        b.walk(count, walks, (...at) => {
          const [row, target, loss, top] = at as [Pointer, Pointer, Pointer, Pointer];
          const { id, isClass, offset } = targetOf(b, columns, target);
          const below = f32x4.sub(b.loadSplat(top), b.loadSplat(row.plus(offset)));
          const value = f32x4.add(b.loadSplat(loss), below);
          const known = v128.select(isClass, value, f32x4.splat(NaN));
          b.storeOne(loss, v128.andNot(known, i32x4.eq(id, i32x4.splat(IGNORE))));
        });
      });
    },
  };
}

/** Inputs logits, targets, lse, dloss; output dlogits. */
export function crossEntropyBackwardKernel({ rows, columns }: RowSizes): WasmKernel {
  const stride = 4 * columns;
  return {
    print: (b, { inputs, outputs: [dlogits] }) => {
      const walks = [...inputs, dlogits as Area].map((area, k) =>
        [b.at(area), k === 0 || k === 4 ? stride : 4] as const
      );
      b.walk(rows, walks, (...at) => {
        const [row, target, lse, dloss, to] = at as [Pointer, Pointer, Pointer, Pointer, Pointer];
        const { id, isClass, offset } = targetOf(b, columns, target);
        const [below, factor] = [b.let(b.loadSplat(lse)), b.let(b.loadSplat(dloss))];
        const share = (z: V128) => expNormal(b, b.let(f32x4.sub(z, below)));
        const fill = (value: (from: Pointer, lanes: number) => V128) =>
          eachColumns(b, columns, { from: [row, to] }, ({ at: [p, q], lanes }) => {
            const values = lanes.map((n, k) => b.let(value((p as Pointer).plus(16 * k), n)));
            lanes.forEach((n, k) => {
              b.storeSome((q as Pointer).plus(16 * k), values[k] as V128, n);
            });
          });
        b.if(v128.any(i32x4.eq(id, i32x4.splat(IGNORE))), () => fill(() => v128.zero), () => {
          fill((from, n) => f32x4.mul(share(b.loadSome(from, n)), factor));
          const one = v128.and(isClass, f32x4.splat(1));
          const own = f32x4.mul(f32x4.sub(share(b.loadSplat(row.plus(offset))), one), factor);
          b.storeOne(to.plus(offset), own);
        });
      });
    },
  };
}

/** Inputs logits, targets; output 1 for a correct prediction, else 0. */
export function correctKernel({ rows, columns }: RowSizes): WasmKernel {
  const stride = 4 * columns;
  return {
    scratch: JOIN_BYTES,
    print: (b, { inputs: [logits, targets], outputs: [hits], scratch }) => {
      const walks = [
        [b.at(logits as Area), stride],
        [b.at(targets as Area), 4],
        [b.at(hits as Area), 4],
      ] as const;
      b.walk(rows, walks, (...at) => {
        const [row, target, hit] = at as [Pointer, Pointer, Pointer];
        const { id, isClass, offset } = targetOf(b, columns, target);
        const own = b.let(b.loadSplat(row.plus(offset)));
        const misses = rowValues(b, 1);
        const places = [0, 4].map((first) =>
          b.variable(i32x4.of(first, first + 1, first + 2, first + 3))
        );
        eachColumns(b, columns, { from: [row] }, ({ at: [p], lanes }) => {
          lanes.forEach((n, k) => {
            const z = b.let(b.loadSome((p as Pointer).plus(16 * k), n));
            const isBefore = i32x4.ltUnsigned(places[k] as V128, id);
            const isBelow = v128.select(isBefore, f32x4.lt(z, own), f32x4.le(z, own));
            updateVector(b, misses[0], k, (old) => v128.or(old, keepLanes(v128.not(isBelow), n)));
            updateVector(b, places, k, (old) => i32x4.add(old, i32x4.splat(8)));
          });
        });
        const missed = joinRows(b, misses, { scratch, op: v128.or });
        b.storeOne(hit, v128.and(v128.andNot(isClass, missed), f32x4.splat(1)));
      });
    },
  };
}
