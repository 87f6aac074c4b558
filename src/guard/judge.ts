/**
 * What is to be done about a step whose numbers are not finite. A fault of the machine goes away
 * when the step is computed again, one of the run comes back with the same bits. Pure: it computes
 * nothing again and stops nothing.
 */

/** What a look at a step's gradient gives. */
export interface Inspection {
  /** Mean loss of the step, in nats per target. */
  readonly loss: number;
  /** Global norm of the gradient before clipping. */
  readonly norm: number;
  /** Gradient elements that are infinite or NaN. */
  readonly nonFinite: number;
}

/** What is done about a step that is not finite whenever it is computed. */
export type Policy = "halt" | "skip" | "rollback";

/**
 * `commit`: update. `again`: compute the step once more, and judge both. `transient`: update by the
 * second look; the first was a machine's fault. `halt`, `skip`, `rollback`: what the policy says.
 */
export type Action = "commit" | "again" | "transient" | Policy;

/** A decision. */
export interface StepVerdict {
  readonly action: Action;
  /** Whose fault it is, where one is known: the run's own numbers', or a machine's. */
  readonly cause: "numbers" | "machine" | undefined;
  /** Why, as one line. */
  readonly reason: string;
}

/** What is known besides the looks. */
export interface JudgeOptions {
  readonly policy: Policy;
  /** Steps that the run has skipped so far. */
  readonly skipped: number;
  /** Steps that it may skip. */
  readonly maxSkips: number;
  /** Looks taken at this step, with those judged here; 1 or 2 unless told. */
  readonly looks?: number;
}

/** Looks at one step before the run is halted because no two in a row agree. */
export const MAX_CHECKS = 3;

/** Judges a step by a look at it and, if that was not finite, by the look after it. */
export function judgeStep(
  first: Inspection,
  again: Inspection | undefined,
  options: JudgeOptions,
): StepVerdict {
  const fine = (look: Inspection): StepVerdict => ({
    action: "commit",
    cause: undefined,
    reason: show(look),
  });
  if (again === undefined) {
    if (allFinite(first)) return fine(first);
    return { action: "again", cause: undefined, reason: show(first) };
  }
  if (allFinite(first)) return fine(first);
  if (sameBits(first, again)) return byPolicy(again, options);
  const reason = `${show(first)}; computed again: ${show(again)}`;
  if (allFinite(again)) return { action: "transient", cause: "machine", reason };
  const { looks = 2 } = options;
  if (looks < MAX_CHECKS) return { action: "again", cause: "machine", reason };
  return { action: "halt", cause: "machine", reason: `${reason}; ${looks} looks, none agree` };
}

function byPolicy(look: Inspection, { policy, skipped, maxSkips }: JudgeOptions): StepVerdict {
  const reason = `${show(look)}; computed again: the same`;
  if (policy !== "skip") return { action: policy, cause: "numbers", reason };
  const action = skipped < maxSkips ? "skip" : "halt";
  const count = action === "skip" ? `skip ${skipped + 1} of ${maxSkips}` : `${maxSkips} skips used`;
  return { action, cause: "numbers", reason: `${reason}; ${count}` };
}

/** Whether nothing in a look is infinite or NaN. */
export function allFinite({ loss, norm, nonFinite }: Inspection): boolean {
  return nonFinite === 0 && Number.isFinite(loss) && Number.isFinite(norm);
}

/** Whether two looks saw the same f32 bits; every NaN is one pattern, as in the gradient's sum. */
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
