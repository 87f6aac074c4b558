/** How a budget of FLOP is best spent, by a fitted law. */
import type { Estimate } from "./types.ts";

/** What the best use of a budget is, by the fitted law. */
export type Allotment = Budgeted & (Best | { readonly skipped: string });

/** A budget beside the trials. */
export interface Budgeted {
  readonly flops: number;
  /** How many times the largest trial's FLOP. */
  readonly beyond: number;
  /** Its FLOP, or its best N or D, lie outside the trials: the law is stretched beyond its points. */
  readonly outside: boolean;
}

/** What to train for a budget, and what comes of it. */
export interface Best {
  readonly params: Estimate;
  readonly tokens: Estimate;
  readonly ratio: Estimate;
  readonly loss: Estimate;
}
