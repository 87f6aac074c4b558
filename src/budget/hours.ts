/** From what a probe measured to the time of a run on some workers. An estimate, and it says how. */

/** What was measured of one worker that has a device for itself. */
export interface Pace {
  /** Seconds of one micro-batch. */
  readonly micro_batch_seconds: number;
  /** Seconds of an update, which every worker does. */
  readonly update_seconds: number;
}

/** A run, as far as its time depends on it. */
export interface RunWork {
  readonly steps: number;
  readonly micro_batches: number;
  readonly tokens_per_step: number;
  readonly workers: number;
  /** Workers that compute side by side: 1 where all share a GPU, or a driver that uses all cores. */
  readonly side_by_side: number;
}

/** Time of a run. */
export interface Hours {
  readonly step_seconds: number;
  readonly tokens_per_s: number;
  readonly hours: number;
}

/**
 * Time of a run: the worker with the most micro-batches sets the pace of a step. What workers send
 * each other is not in it, nor are evaluations, samples and checkpoints.
 */
export function hoursOf(
  { micro_batch_seconds, update_seconds }: Pace,
  { steps, micro_batches, tokens_per_step, workers, side_by_side }: RunWork,
): Hours {
  const share = Math.ceil(micro_batches / workers);
  const turns = Math.max(1, workers / side_by_side);
  const seconds = turns * (share * micro_batch_seconds + update_seconds);
  return {
    step_seconds: seconds,
    tokens_per_s: tokens_per_step / seconds,
    hours: steps * seconds / 3600,
  };
}
