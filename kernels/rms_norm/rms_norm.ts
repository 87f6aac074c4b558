/**
 * Root mean square normalisation over the last axis (Zhang and Sennrich, "Root Mean Square Layer
 * Normalization", 2019): x [..., D], gain [D] -> y [..., D], and each row's reciprocal root mean
 * square rstd [..., 1], which the backward op reads.
 */
import { showShape } from "../../src/base/shape.ts";
import { defineOp } from "../../src/graph/compose.ts";
import type { Expr } from "../../src/graph/formula.ts";
import { add, div, formula, mul, sqrt } from "../../src/graph/formula.ts";
import { literal } from "../../src/graph/formula_wgsl.ts";
import { apply, applyAll } from "../../src/graph/trace.ts";
import type { Case, Grad, Io, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { rmsNormKernel } from "../emit/norm_wasm.ts";
import { rowKernel } from "../emit/rows.ts";
import { threadTeam } from "../emit/teams.ts";
import { pointwise } from "../pointwise/mod.ts";
import { rowMean } from "../reduce/mod.ts";
import { rowSizes } from "../reduce/row_sizes.ts";
import { rmsNormBackwardOp } from "./rms_norm_backward.ts";
import wgsl from "./rms_norm.wgsl" with { type: "text" };
import { printRmsNorm } from "./rms_norm_wgsl.ts";

/** Attributes of the norm. */
export interface RmsNormAttrs {
  /** Added to the mean square. */
  readonly eps: number;
}

/** Rows per thread team. */
const STRIP = { cpu: 16, gpu: 1 } as const;

/** Default epsilon, as in Llama (Touvron et al. 2023). */
const EPS = 1e-5;

/**
 * x / sqrt(mean of x^2 + eps) over the last axis of `x` f32 [..., D], scaled by `gain` [D]: f32
 * [..., D]. @throws {RangeError} when gain is not [D].
 */
export function applyRmsNorm(
  x: Tensor,
  { gain, eps = EPS }: { gain: Tensor; eps?: number },
): Tensor {
  return apply(rmsNormOp, [x, gain], { eps });
}

const SQUARE = formula(1, (x) => mul(x as Expr, x as Expr));
const SCALED = formula(3, (x, rstd, gain) => mul(mul(x as Expr, rstd as Expr), gain as Expr));

function vjp(
  { inputs: [x, gain], outputs: [, rstd] }: Io<Tensor>,
  [dy, drstd]: readonly Grad[],
): readonly Grad[] {
  if (drstd) throw new RangeError("Cannot differentiate rms_norm's rstd: only y has a gradient");
  if (!x || !gain || !rstd || !dy) return [];
  return applyAll(rmsNormBackwardOp, [x, gain, rstd, dy]).slice(0, 2);
}

/** The op behind {@linkcode applyRmsNorm}: outputs y and rstd. */
export const rmsNormOp: Op = defineOp({
  name: "rms_norm",
  inputs: ["x", "gain"],
  compose({ x, gain }, { eps }: RmsNormAttrs) {
    if (gain.shape.length !== 1 || gain.shape[0] !== x.shape.at(-1)) {
      throw new RangeError(
        `Cannot rms_norm ${showShape(x.shape)} with gain ${showShape(gain.shape)}: ` +
          `the last axis is ${x.shape.at(-1)}`,
      );
    }
    const reciprocal = formula(1, (square) => div(1, sqrt(add(square as Expr, eps))));
    const rstd = pointwise(reciprocal, [rowMean(pointwise(SQUARE, [x]))]);
    return [pointwise(SCALED, [x, rstd, gain]), rstd];
  },
  launch({ inputs: [x] }, { eps }: RmsNormAttrs, target) {
    const { rows, columns } = rowSizes(x as Spec);
    const bindings = [{ input: 0 }, { input: 1 }, { output: 0 }, { output: 1 }];
    const team = threadTeam({ rows, columns, strip: STRIP[target.kind] }, target);
    if (team !== undefined) {
      return [{ wgsl: printRmsNorm(team, { eps: literal(eps) }), bindings, groups: team.groups }];
    }
    const { prelude, groups } = rowKernel(rows, columns, target);
    return [{ wgsl: prelude + wgsl, constants: { eps }, bindings, groups }];
  },
  wasm: ({ inputs: [x] }, { eps }: RmsNormAttrs) => rmsNormKernel({ ...rowSizes(x as Spec), eps }),
  cost({ inputs: [x] }) {
    const { rows, columns } = rowSizes(x as Spec);
    const n = rows * columns;
    return { flops: 4 * n, bytes: 4 * (2 * n + columns + rows), terms: columns + 16 };
  },
  vjp,
  cases: [
    ...[1, 3, 4, 5, 63, 64, 65].map((columns) => rmsCase("tile", 9, columns)),
    ...[1, 7, 8, 64].map((rows) => rmsCase("tile", rows, 32)),
    rmsCase("ragged", 3, 5, 77),
    rmsCase("ragged", 11, 1028),
    rmsCase("bench", 2048, 256),
  ],
});

function rmsCase(kind: Case["kind"], ...shape: number[]): Case {
  const columns = shape.at(-1) as number;
  return {
    kind,
    inputs: [{ shape, dtype: "f32" }, { shape: [columns], dtype: "f32" }],
    attrs: { eps: EPS },
  };
}
