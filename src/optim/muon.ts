/**
 * Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"): the
 * momentum of each hidden weight matrix is replaced by a nearly orthogonal matrix of the same row and
 * column space. All other parameters (embeddings, heads, gains, biases) are updated by AdamW.
 */
import * as z from "zod";
import { matmul } from "../../kernels/matmul/mod.ts";
import { pointwise, pointwiseOp } from "../../kernels/pointwise/mod.ts";
import { sumOp } from "../../kernels/reduce/mod.ts";
import { allocate, concat, slice, sliceLast, updateSlice } from "../../kernels/shape/mod.ts";
import { sizeOf } from "../base/shape.ts";
import type { HiddenMatrix, MatrixAxes, Shape } from "../base/shape.ts";
import type { Expr, Formula } from "../graph/formula.ts";
import { add, div, formula, max, mul, sqrt, sub } from "../graph/formula.ts";
import { apply, applyAll } from "../graph/trace.ts";
import type { Tensor } from "../graph/types.ts";
import { adamwFormula, biasCorrections, momentFields } from "./adamw.ts";
import { clipFormula, GRAD_NORM } from "./clip.ts";
import { elementwiseRule } from "./elementwise.ts";
import { checkSchedule, commonFields, decoupledDecay } from "./fields.ts";
import { learningRate } from "./schedule.ts";
import type { Optimizer, SpanTensors, UpdatedParam, UpdateRange, UpdateRule } from "./types.ts";

/** The `optim` part of a config for Muon. */
export const muonSchema = z.strictObject({
  kind: z.literal("muon").describe("Optimizer"),
  lr: z.number().gt(0).default(0.02).describe("Peak learning rate"),
  momentum: z.number().min(0).lt(1).default(0.95).describe("Decay of the momentum per step"),
  nesterov: z.boolean().default(true)
    .describe("Whether the step looks ahead by Nesterov's momentum"),
  adamw_lr: z.number().gt(0).default(3e-3).describe(
    "Of muon: peak learning rate of AdamW for embeddings, heads, gains and biases; it follows the " +
      "schedule of lr",
  ),
  ...momentFields,
  weight_decay: decoupledDecay,
  ...commonFields,
}).superRefine(checkSchedule);

/** Hyperparameters of Muon, of its AdamW, and of the schedule of both. */
export type MuonConfig = z.infer<typeof muonSchema>;

/** Name of the rule for hidden weight matrices. */
const MATRICES = "matrices";
/** Newton-Schulz iterations, and the coefficients of their polynomial. */
const ITERATIONS = 5;
const [A, B, C] = [3.4445, -4.775, 2.0315] as const;
/** Smallest Frobenius norm that a matrix is divided by. */
const EPS = 1e-7;

const NORMALISED = formula(2, (x, squares) => {
  return div(x as Expr, max(sqrt(squares as Expr), EPS));
});
const POLYNOMIAL = formula(2, (square, gram) => add(mul(gram as Expr, B), mul(square as Expr, C)));
const NEXT = formula(2, (product, x) => add(mul(x as Expr, A), product as Expr));

/** The optimizer: moment m of all parameters, and v of those that AdamW updates. */
export const muon: Optimizer<MuonConfig> = {
  name: "muon",
  scalars: ["lr", "adamw_lr", "correction1", "correction2"],
  scalarsAt(step, config) {
    const lr = learningRate(step, config);
    const { adamw_lr } = config;
    return { lr, adamw_lr: lr * adamw_lr / config.lr, ...biasCorrections(step, config) };
  },
  rules: {
    adamw: elementwiseRule<MuonConfig>({
      moments: () => ["m", "v"],
      scalars: ["adamw_lr", "correction1", "correction2"],
      update: adamwFormula,
    }),
    [MATRICES]: matrixRule(),
  },
  ruleOf: ({ shape, hidden }) => shape.length === 2 && hidden ? MATRICES : undefined,
};

function matrixRule(): UpdateRule<MuonConfig> {
  return {
    moments: () => ["m"],
    trace(span, config) {
      for (const range of span.ranges) {
        for (const param of range.params ?? []) updateMatrix(span, { param, range, config });
      }
    },
  };
}

/** Traces the step of one matrix. `lrScale` does not multiply the rate of weight decay. */
function updateMatrix(
  { source, scalar }: SpanTensors,
  { param: at, range, config }: {
    readonly param: UpdatedParam;
    readonly range: UpdateRange;
    readonly config: MuonConfig;
  },
): void {
  const { clip } = config;
  const inputs = [source("grad", at), ...clip === 0 ? [] : [scalar(GRAD_NORM)], source("m", at)];
  const [direction] = applyAll(pointwiseOp, inputs, {
    formula: clipFormula(momentumFormula(config), clip),
    donate: [undefined, inputs.length - 1],
  });
  const x = scaledDirection(direction as Tensor, at.hidden as HiddenMatrix);
  const { decay, lrScale, weightDecay = config.weight_decay } = range;
  const step = formula(3, (...args) => {
    const [p, x, lr] = args as Expr[] as [Expr, Expr, Expr];
    return sub(p, mul(lr, add(mul(x, lrScale), decay ? mul(p, weightDecay) : 0)));
  });
  applyAll(pointwiseOp, [source("param", at), x, scalar("lr")], { formula: step, donate: [0] });
}

/** (gradient, clip factor, m) -> (direction, m). */
function momentumFormula({ momentum, nesterov }: MuonConfig): Formula {
  return formula(3, (...x) => {
    const [gradient, clip, m] = x as Expr[] as [Expr, Expr, Expr];
    const g = mul(gradient, clip);
    const nextM = add(mul(m, momentum), mul(g, 1 - momentum));
    return [nesterov ? add(mul(g, 1 - momentum), mul(nextM, momentum)) : nextM, nextM];
  });
}

/**
 * A matrix [R, C] with the singular vectors of x [R, C] and singular values of about 1, by
 * Newton-Schulz iterations X <- a X + (b G + c G G) X on the smaller Gram matrix G, of min(R, C)^2
 * elements.
 */
export function orthogonalised(x: Tensor): Tensor {
  const [rows, columns] = x.shape as [number, number];
  const isWide = rows <= columns;
  let value = pointwise(NORMALISED, [x, apply(sumOp, [x], { square: true })]);
  for (let i = 0; i < ITERATIONS; i++) {
    const gram = matmul(value, value, isWide ? { tb: true } : { ta: true });
    const inner = pointwise(POLYNOMIAL, [matmul(gram, gram), gram]);
    const product = isWide ? matmul(inner, value) : matmul(value, inner);
    value = pointwise(NEXT, [product, value]);
  }
  return value;
}

/**
 * The orthogonalised direction of a parameter, matrix by matrix, each times sqrt(max(1, outputs /
 * inputs)): steps change the outputs by the same size whatever the shape.
 * @throws {RangeError} when its parts are not all of its outputs.
 */
function scaledDirection(x: Tensor, { axes, parts }: HiddenMatrix): Tensor {
  const outputs = x.shape[axes === "out_in" ? 0 : 1] as number;
  const widths = parts ?? [outputs];
  const sum = widths.reduce((a, b) => a + b, 0);
  if (sum !== outputs) {
    throw new RangeError(
      `Cannot split a matrix of ${outputs} outputs: need parts of that sum: ${widths.join(", ")}`,
    );
  }
  const inputs = sizeOf(x.shape) / outputs;
  const matrices = widths.length === 1 ? [x] : split(x, { axes, widths });
  const scaled = matrices.map((matrix, i) => {
    const factor = Math.sqrt(Math.max(1, widths[i] as number / inputs));
    return times(orthogonalised(matrix), factor);
  });
  return scaled.length === 1 ? scaled[0] as Tensor : joined(scaled, { axes, shape: x.shape });
}

function times(x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : pointwise(formula(1, (value) => mul(value as Expr, factor)), [x]);
}

/** The matrices side by side along the outputs of x. */
function split(
  x: Tensor,
  { axes, widths }: { axes: MatrixAxes; widths: readonly number[] },
): Tensor[] {
  const columns = x.shape[1] as number;
  let first = 0;
  return widths.map((count) => {
    const matrix = axes === "in_out"
      ? sliceLast(x, { first, count })
      : slice(x, { first: first * columns, shape: [count, columns] });
    first += count;
    return matrix;
  });
}

/** The inverse of {@linkcode split}. */
function joined(
  matrices: readonly Tensor[],
  { axes, shape }: { axes: MatrixAxes; shape: Shape },
): Tensor {
  if (axes === "in_out") return matrices.reduce((all, matrix) => concat(all, matrix));
  let first = 0;
  return matrices.reduce<Tensor | undefined>((all, matrix) => {
    const whole = all === undefined ? allocate(matrix, shape) : updateSlice(all, matrix, { first });
    first += sizeOf(matrix.shape);
    return whole;
  }, undefined) as Tensor;
}
