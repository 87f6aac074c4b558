/** The SwiGLU gate (Shazeer, "GLU Variants Improve Transformer", 2020), as a composition. */
import { showShape } from "../../src/base/shape.ts";
import { defineOp } from "../../src/graph/compose.ts";
import type { Expr } from "../../src/graph/formula.ts";
import { formula, mul, sigmoid } from "../../src/graph/formula.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Op, Tensor } from "../../src/graph/types.ts";
import { sliceLast } from "../shape/slice_last.ts";
import { pointwise } from "./pointwise.ts";

const GATE = formula(2, (gate, up) => mul(mul(gate as Expr, sigmoid(gate as Expr)), up as Expr));

/**
 * silu(gate) * up, f32 [..., D], of `x` f32 [..., 2D], whose rows hold the gate, then up.
 * @throws {RangeError} when the last axis is odd.
 */
export function swiglu(x: Tensor): Tensor {
  return apply(swigluOp, [x]);
}

/** The op behind {@linkcode swiglu}. */
export const swigluOp: Op = defineOp({
  name: "swiglu",
  inputs: ["x"],
  compose({ x }) {
    const columns = x.shape.at(-1) ?? 0;
    if (columns === 0 || columns % 2 !== 0) {
      throw new RangeError(`Cannot swiglu ${showShape(x.shape)}: need an even last axis`);
    }
    const count = columns / 2;
    const [gate, up] = [sliceLast(x, { first: 0, count }), sliceLast(x, { first: count, count })];
    return pointwise(GATE, [gate, up]);
  },
  cases: [
    ...[2, 6, 8, 10, 126, 128, 130].map((columns) => swigluCase("tile", 9, columns)),
    swigluCase("ragged", 3, 5, 154),
    swigluCase("ragged", 11, 40),
    swigluCase("bench", 1024, 512),
  ],
});

function swigluCase(kind: Case["kind"], ...shape: number[]): Case {
  return { kind, inputs: [{ shape, dtype: "f32" }], attrs: {}, range: { 0: [-8, 8] } };
}
