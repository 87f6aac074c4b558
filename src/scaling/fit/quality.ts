/** Goodness of fit and leave-one-out error. */
import { maxOf } from "../../base/extremes.ts";
import { mean } from "./least_squares.ts";
import type { Quality } from "../types.ts";

/** Quality from residuals of the fit and leave-one-out residuals. */
export function qualityOf(
  { logLoss, residuals, leftOut }: {
    logLoss: readonly number[];
    residuals: readonly number[];
    leftOut: readonly number[];
  },
): Quality {
  const middle = mean(logLoss);
  const spread = logLoss.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  const rest = residuals.reduce((sum, value) => sum + value ** 2, 0);
  return {
    points: logLoss.length,
    r2: 1 - rest / spread,
    rms: rms(residuals),
    largest: largest(residuals),
    leave_one_out_rms: rms(leftOut),
    leave_one_out_largest: largest(leftOut),
  };
}

function rms(values: readonly number[]): number {
  return Math.sqrt(mean(values.map((value) => value ** 2)));
}

function largest(values: readonly number[]): number {
  return maxOf(values.map(Math.abs));
}
