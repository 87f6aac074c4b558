/** Utilization of the device's measured peaks by a model's operations. Pure. */

/** Use of the device by one formula and one peak. */
export interface OpUse {
  readonly formula: string;
  readonly flops_per_s: number;
  /** What is taken for the whole. */
  readonly peak: string;
  /**
   * Model FLOP utilisation (PaLM, appendix B): FLOP/s by the formula, of the peak. Null where it
   * would be above 1: what was exceeded is no peak, and the true one is unknown.
   */
  readonly mfu: number | null;
}

/** Use by each formula of FLOP per token and each peak. */
export function usesOf(
  formulas: readonly { readonly formula: string; readonly per_token: number }[],
  { tokens_per_s, peaks }: {
    readonly tokens_per_s: number;
    readonly peaks: Readonly<Record<string, number>>;
  },
): OpUse[] {
  return formulas.flatMap(({ formula, per_token }) =>
    Object.entries(peaks).map(([peak, most]) => {
      const flops_per_s = per_token * tokens_per_s;
      return { formula, flops_per_s, peak, mfu: flops_per_s > most ? null : flops_per_s / most };
    })
  );
}

/** Notes on utilizations that are missing. */
export function exceededNotes(uses: readonly OpUse[]): string[] {
  const peaks = new Set(uses.filter(({ mfu }) => mfu === null).map(({ peak }) => peak));
  return Array.from(
    peaks,
    (peak) =>
      `The step has more FLOP/s than ${peak}: the peak is unknown, and so is its share. ` +
      "Other work on the machine slows measurements down: try again when there is none.",
  );
}
