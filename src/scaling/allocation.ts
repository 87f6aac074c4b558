/** Compute-optimal allocations of a FLOP budget by a fitted law. */
import type { Estimate } from "./types.ts";

/** The compute-optimal allocation of a budget, or why it is undetermined. */
export type ComputeAllocation = Budgeted & (Best | { readonly skipped: string });

/** A budget relative to the trials. */
export interface Budgeted {
  readonly flops: number;
  /** Ratio to the largest trial's FLOP. */
  readonly beyond: number;
  /** Whether its FLOP or its optimal N or D are extrapolated beyond the trials. */
  readonly outside: boolean;
}

/** Optimal N, D, D / N and the predicted loss. */
export interface Best {
  readonly params: Estimate;
  readonly tokens: Estimate;
  readonly ratio: Estimate;
  readonly loss: Estimate;
}
