/**
 * Layer normalisation over the last axis (Ba, Kiros, Hinton, "Layer Normalization", 2016).
 * x [..., D], gamma [D], beta [D] -> y [..., D], and each row's mean [R] and reciprocal standard
 * deviation rstd [R], which the backward op reads.
 */
import { showShape, sizeOf } from "../../src/base/shape.ts";
import { literal } from "../../src/graph/formula_wgsl.ts";
import { apply, applyAll } from "../../src/graph/trace.ts";
import type { Case, Grad, Io, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { layerNormBackwardOp } from "./layer_norm_backward.ts";
import wgsl from "./layer_norm.wgsl" with { type: "text" };
import { printNorm } from "./layer_norm_wgsl.ts";
import { rowKernel } from "../emit/rows.ts";
import { layerNormKernel } from "../emit/norm_wasm.ts";
import { threadTeam } from "../emit/teams.ts";

/** `eps` is added to the variance. */
export interface LayerNormAttrs {
  readonly eps: number;
}

/** Rows per thread team. */
const STRIP = { cpu: 16, gpu: 1 } as const;

/** Default epsilon, as in torch.nn.LayerNorm. */
export const EPS = 1e-5;

/**
 * Normalises the last axis of `x` f32 [..., D], scales by `gamma` [D] and shifts by `beta` [D];
 * `eps` is added to the variance. @throws {RangeError} when gamma or beta is not [D].
 */
export function applyLayerNorm(
  x: Tensor,
  { gamma, beta, eps = EPS }: { gamma: Tensor; beta: Tensor; eps?: number },
): Tensor {
  return apply(layerNormOp, [x, gamma, beta], { eps });
}

function sizes(x: Spec): { rows: number; columns: number } {
  const columns = x.shape.at(-1) ?? 1;
  return { rows: sizeOf(x.shape) / columns, columns };
}

function vjp(
  { inputs: [x, gamma], outputs: [, mean, rstd] }: Io<Tensor>,
  [dy, dmean, drstd]: readonly Grad[],
): readonly Grad[] {
  if (dmean || drstd) throw new RangeError("Cannot differentiate layer_norm's statistics");
  if (!x || !gamma || !mean || !rstd || !dy) return [];
  return applyAll(layerNormBackwardOp, [x, gamma, mean, rstd, dy]).slice(0, 3);
}

/** The op behind {@linkcode applyLayerNorm}. */
export const layerNormOp: Op = {
  name: "layer_norm",
  shape([x, gamma, beta]) {
    if (!x || !gamma || !beta) throw new RangeError("Cannot layer_norm: it takes three inputs");
    const { rows, columns } = sizes(x);
    for (const [name, { shape }] of [["gamma", gamma], ["beta", beta]] as const) {
      if (shape.length !== 1 || shape[0] !== columns) {
        throw new RangeError(
          `Cannot layer_norm ${showShape(x.shape)} with ${name} ${showShape(shape)}: ` +
            `the last axis is ${columns}`,
        );
      }
    }
    return [x, { shape: [rows], dtype: "f32" }, { shape: [rows], dtype: "f32" }];
  },
  launch({ inputs, outputs }, { eps }: LayerNormAttrs, target) {
    const { rows, columns } = sizes(inputs[0] as Spec);
    const bindings = [
      ...inputs.map((_, input) => ({ input })),
      ...outputs.map((_, output) => ({ output })),
    ];
    const team = threadTeam({ rows, columns, strip: STRIP[target.kind] }, target);
    if (team !== undefined) {
      return [{ wgsl: printNorm(team, { eps: literal(eps) }), bindings, groups: team.groups }];
    }
    const { prelude, groups } = rowKernel(rows, columns, target);
    return [{ wgsl: prelude + wgsl, constants: { eps }, bindings, groups }];
  },
  wasm: ({ inputs: [x] }, { eps }: LayerNormAttrs) => layerNormKernel({ ...sizes(x as Spec), eps }),
  reference({ inputs, outputs }, { eps }: LayerNormAttrs) {
    const [x, gamma, beta] = inputs.map((v) => v.data);
    const [y, means, rstds] = outputs.map((v) => v.data);
    if (!x || !gamma || !beta || !y || !means || !rstds) return;
    const columns = gamma.length;
    for (let row = 0; row < means.length; row++) {
      const at = (c: number) => x[row * columns + c] as number;
      let mean = 0;
      for (let c = 0; c < columns; c++) mean += at(c) / columns;
      let variance = 0;
      for (let c = 0; c < columns; c++) variance += (at(c) - mean) ** 2 / columns;
      const rstd = 1 / Math.sqrt(variance + eps);
      for (let c = 0; c < columns; c++) {
        y[row * columns + c] = (at(c) - mean) * rstd * (gamma[c] as number) + (beta[c] as number);
      }
      means[row] = mean;
      rstds[row] = rstd;
    }
  },
  cost({ inputs: [x] }) {
    const { rows, columns } = sizes(x as Spec);
    const n = rows * columns;
    return { flops: 8 * n, bytes: 4 * (2 * n + 2 * columns + 2 * rows), terms: columns + 16 };
  },
  vjp,
  cases: [
    ...[1, 3, 4, 5, 63, 64, 65].map((columns) => normCase("tile", 9, columns)),
    ...[1, 7, 8, 64].map((rows) => normCase("tile", rows, 32)),
    normCase("ragged", 3, 5, 77),
    normCase("ragged", 11, 1028),
    normCase("bench", 2048, 256),
  ],
};

function normCase(kind: Case["kind"], ...shape: number[]): Case {
  const columns = shape.at(-1) as number;
  const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });
  return { kind, inputs: [f32(...shape), f32(columns), f32(columns)], attrs: { eps: EPS } };
}
