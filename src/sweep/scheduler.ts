/**
 * What is started next, and why. Pure: a queue and the room there is give a choice. It keeps every
 * place busy: what does not fit now is passed by, and comes when there is room.
 */

/** Something to train, or to train further. */
export interface Job {
  readonly key: string;
  /** FLOP that are left of it. */
  readonly flops: number;
  /** Places that it takes. */
  readonly places: number;
  readonly bytes: number;
  /** Above 0: it comes before longer ones. */
  readonly priority: number;
}

/** What there is room for. */
export interface Room {
  /** All places, and those where nothing runs. */
  readonly places: number;
  readonly free: number;
  /** Bytes that running trials need, and those they may; null is no bound. */
  readonly bytes: number;
  readonly memory: number | null;
  /** FLOP that may still be spent. */
  readonly flops: number;
}

/** A job to start. */
export interface SchedulerChoice {
  readonly job: Job;
  readonly reason: string;
}

/** The longest job that fits, or undefined where none does. */
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

/** What a job has to wait for; undefined where there is room. */
export function obstacle(job: Job, room: Room): string | undefined {
  if (!isPayable(job, room)) return "a larger budget";
  if (Math.min(job.places, room.places) > room.free) return "free places";
  // One that alone is too much runs alone: its bytes are an estimate.
  if (room.memory !== null && room.bytes > 0 && room.bytes + job.bytes > room.memory) {
    return "memory";
  }
  return undefined;
}
