/**
 * Chooses the next trial to start. Pure. Work-conserving: a job that does not fit is skipped until
 * there is room.
 */

/** A trial to start or continue. */
export interface Job {
  readonly key: string;
  /** Remaining FLOP. */
  readonly flops: number;
  /** Worker slots that it needs. */
  readonly places: number;
  readonly bytes: number;
  /** Above 0: starts before longer jobs. */
  readonly priority: number;
}

/** Available resources. */
export interface Room {
  /** All worker slots, and free ones. */
  readonly places: number;
  readonly free: number;
  /** Bytes in use by running trials, and the limit; null: none. */
  readonly bytes: number;
  readonly memory: number | null;
  /** FLOP left in the budget. */
  readonly flops: number;
}

/** A job to start. */
export interface SchedulerChoice {
  readonly job: Job;
  readonly reason: string;
}

/** The longest job that fits; undefined if none does. */
export function pick(queue: readonly Job[], room: Room): SchedulerChoice | undefined {
  const order = queue.toSorted((a, b) => b.priority - a.priority || b.flops - a.flops);
  const index = order.findIndex((job) => obstacle(job, room) === undefined);
  const job = order[index];
  if (job === undefined) return undefined;
  const passed = order.slice(0, index).map((one) => obstacle(one, room) as string);
  const first = job.priority > 0 ? "promoted" : "the longest that waits";
  if (index === 0) return { job, reason: first };
  const reasons = Array.from(new Set(passed)).join(", ");
  return { job, reason: `${index} before it must wait for ${reasons}` };
}

/** Whether a job is within the budget. */
export function isPayable({ flops }: Job, room: Room): boolean {
  return flops <= room.flops;
}

/** Why a job does not fit; undefined if it fits. */
export function obstacle(job: Job, room: Room): string | undefined {
  if (!isPayable(job, room)) return "a larger budget";
  if (Math.min(job.places, room.places) > room.free) return "free places";
  // A job that exceeds the limit by itself runs alone, because its bytes are an estimate.
  if (room.memory !== null && room.bytes > 0 && room.bytes + job.bytes > room.memory) {
    return "memory";
  }
  return undefined;
}
