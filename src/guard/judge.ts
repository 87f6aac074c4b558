/**
 * Decides what to do about a step whose loss or gradient is not finite. The step is recomputed: a
 * hardware fault then disappears, while a numerical one has the same bits again. Pure.
 */

/** The result of a gradient check. */
export interface Inspection {
  /** Mean loss of the step, in nats per target. */
  readonly loss: number;
  /** Global norm of the gradient before clipping. */
  readonly norm: number;
  /** Gradient elements that are infinite or NaN. */
  readonly nonFinite: number;
  /** Means of the terms of the loss, in the layout's order, if there are several. */
  readonly terms?: readonly number[] | undefined;
}

/** What to do about a step that is not finite however often it is computed. */
export type Policy = "halt" | "skip" | "rollback";

/**
 * `commit`: update. `again`: recompute the step and judge both checks. `transient`: update with the
 * second result; the first was a hardware fault. `halt`, `skip`, `rollback`: the policy.
 */
export type Action = "commit" | "again" | "transient" | Policy;

/** A decision. */
export interface StepVerdict {
  readonly action: Action;
  /** Numerical or hardware fault; undefined if there is none, or it is not known yet. */
  readonly cause: "numbers" | "machine" | undefined;
  /** Why, as one line. */
  readonly reason: string;
}

/** Inputs of a verdict besides the checks. */
export interface JudgeOptions {
  readonly policy: Policy;
  /** Steps skipped so far. */
  readonly skipped: number;
  /** Most steps that may be skipped. */
  readonly maxSkips: number;
  /** Gradient checks of this step so far, including those judged here. Default 1 or 2. */
  readonly looks?: number;
}

/** Gradient checks of one step after which the run halts if no two consecutive ones agree. */
export const MAX_CHECKS = 3;

/** Judges a step by a gradient check and, if that was not finite, by the next one. */
export function judgeStep(
  first: Inspection,
  again: Inspection | undefined,
  options: JudgeOptions,
): StepVerdict {
  const commit = (check: Inspection): StepVerdict => ({
    action: "commit",
    cause: undefined,
    reason: show(check),
  });
  if (again === undefined) {
    if (allFinite(first)) return commit(first);
    return { action: "again", cause: undefined, reason: show(first) };
  }
  if (allFinite(first)) return commit(first);
  if (sameBits(first, again)) return byPolicy(again, options);
  const reason = `${show(first)}; computed again: ${show(again)}`;
  if (allFinite(again)) return { action: "transient", cause: "machine", reason };
  const { looks = 2 } = options;
  if (looks < MAX_CHECKS) return { action: "again", cause: "machine", reason };
  return { action: "halt", cause: "machine", reason: `${reason}; ${looks} looks, none agree` };
}

function byPolicy(check: Inspection, { policy, skipped, maxSkips }: JudgeOptions): StepVerdict {
  const reason = `${show(check)}; computed again: the same`;
  if (policy !== "skip") return { action: policy, cause: "numbers", reason };
  const action = skipped < maxSkips ? "skip" : "halt";
  const count = action === "skip" ? `skip ${skipped + 1} of ${maxSkips}` : `${maxSkips} skips used`;
  return { action, cause: "numbers", reason: `${reason}; ${count}` };
}

/** Whether loss, norm and all gradient elements are finite. */
export function allFinite({ loss, norm, nonFinite }: Inspection): boolean {
  return nonFinite === 0 && Number.isFinite(loss) && Number.isFinite(norm);
}

/** Whether two checks have the same f32 bits; all NaNs count as equal, as in the gradient's sum. */
export function sameBits(a: Inspection, b: Inspection): boolean {
  return a.nonFinite === b.nonFinite && bitsOf(a.loss) === bitsOf(b.loss) &&
    bitsOf(a.norm) === bitsOf(b.norm);
}

const NAN_BITS = 0x7fc00000;

function bitsOf(x: number): number {
  if (Number.isNaN(x)) return NAN_BITS;
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, x);
  return view.getUint32(0);
}

function show({ loss, norm, nonFinite }: Inspection): string {
  return `loss ${loss}, gradient norm ${norm}, elements not finite ${nonFinite}`;
}
