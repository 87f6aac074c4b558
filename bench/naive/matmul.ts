/** Textbook matrix product, without an epilogue. */
import type { MatmulAttrs } from "../../kernels/matmul/mod.ts";
import { ceilDiv, sizeOf } from "../../src/base/shape.ts";
import matmul from "./matmul.wgsl" with { type: "text" };
import type { Twin } from "./twin.ts";

/** Threads along each side of a workgroup. */
const SIDE = 8;

/** One thread per element of the product. */
export const matmulTwin: Twin = {
  fills: [0],
  launch({ inputs: [a, b], outputs: [c] }, { ta, tb, epilogue }: MatmulAttrs) {
    if (!a || !b || !c || epilogue !== undefined) {
      throw new RangeError("Cannot launch the naive matmul: it has no epilogue: one was given");
    }
    const N = c.shape.at(-1) ?? 1;
    const M = sizeOf(c.shape) / N;
    const K = sizeOf(a.shape) / M;
    return [{
      wgsl: matmul,
      constants: {
        M,
        N,
        K,
        a_row: ta ? 1 : K,
        a_column: ta ? M : 1,
        b_row: tb ? 1 : N,
        b_column: tb ? K : 1,
      },
      bindings: [{ input: 0 }, { input: 1 }, { output: 0 }],
      groups: [ceilDiv(N, SIDE), ceilDiv(M, SIDE), 1],
    }];
  },
};
