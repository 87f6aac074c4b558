/** Clipping of the gradient by its global norm, within the formulas of an update. */
import type { Expr, Formula } from "../graph/formula.ts";
import { add, constant, div, min, substitute } from "../graph/formula.ts";

/** Name of the gradient norm before clipping: result of the check, scalar of the update. */
export const GRAD_NORM = "grad_norm";

/** Added to the norm before the division, as in torch.nn.utils.clip_grad_norm_. */
const NORM_EPS = 1e-6;

/**
 * Inlines global-norm clipping into an update's formula (Pascanu et al. 2013, algorithm 1): input 1
 * becomes the norm instead of the factor min(1, clip / norm); with `clip` 0 it is dropped.
 */
export function clipFormula({ inputs, outputs }: Formula, clip: number): Formula {
  const input = (index: number): Expr => ({ kind: "input", index });
  const factor = clip === 0 ? constant(1) : min(1, div(clip, add(input(1), NORM_EPS)));
  const leading = clip === 0 ? 1 : 2;
  const args = Array.from(
    { length: inputs },
    (_, k) => k === 0 ? input(0) : k === 1 ? factor : input(k - 2 + leading),
  );
  return { inputs: inputs - 2 + leading, outputs: outputs.map((e) => substitute(e, args)) };
}
