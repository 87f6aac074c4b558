/** The schema of fault plans: which fault happens at which step, rank and point. */
import * as z from "zod";

/** Points of a worker's work at which a fault can be injected. */
export const WORKER_POINTS = [
  /** Before the device is opened. */
  "start",
  /** After each subtree of its micro-batches. */
  "forward",
  /** When its slice of the gradient is summed and not sent yet. */
  "exchange",
  /** When it has the sum, before it votes. */
  "summed",
  /** When its vote is sent. */
  "voted",
  /** When every vote is cast, before its update. */
  "apply",
  /** Before its share of an evaluation. */
  "evaluate",
  /** Before each part of its slice of a checkpoint is sent. */
  "save",
] as const;

/** Faults of a worker. */
export const FAULT_ACTIONS = [
  /** Its process is killed. */
  "sigkill",
  /** Its process is stopped, and continued after `ms` milliseconds if that is not 0. */
  "sigstop",
  /** It waits forever, while its event loop goes on. */
  "hang",
  /** It blocks its event loop for `ms` milliseconds. */
  "block",
  /** It waits `ms` milliseconds. */
  "delay",
  /** It throws. */
  "throw",
  /** Its device is lost. */
  "lose",
  /** One element of its gradient becomes NaN. */
  "nan",
  /** One bit of one of its parameters is flipped. */
  "flip",
] as const;

const injectedFaultSchema = z.strictObject({
  point: z.enum(WORKER_POINTS),
  do: z.enum(FAULT_ACTIONS),
  ms: z.number().min(0).default(0),
});

/** A fault as an order carries it to a worker. */
export type InjectedFault = z.infer<typeof injectedFaultSchema>;

const workerFaultSchema = z.strictObject({
  at: z.strictObject({
    step: z.int().min(0),
    rank: z.int().min(0),
    point: z.enum(WORKER_POINTS),
  }),
  do: z.enum(FAULT_ACTIONS),
  ms: z.number().min(0).default(0).describe(
    "For block and delay; sigstop goes on after it, 0 never",
  ),
  times: z.int().min(1).default(1).describe("How often it strikes, each time the step is tried"),
  spare: z.boolean().default(false)
    .describe("The coordinator cannot kill this worker, as if it were on a machine out of reach"),
});

const coordinatorFaultSchema = z.strictObject({
  at: z.strictObject({ step: z.int().min(0), point: z.string().min(1) }),
  do: z.enum(["sigkill", "sigterm", "sigint", "sigusr2", "enospc"]),
});

/** A fault plan: faults of workers name a rank, those of the coordinator do not. */
export const faultPlanSchema = z.array(z.union([workerFaultSchema, coordinatorFaultSchema]));

/** A fault of a worker. */
export type WorkerFault = z.infer<typeof workerFaultSchema>;
/** A fault of the coordinator: at a point of its work, or of a save (`save: <point>`). */
export type CoordinatorFault = z.infer<typeof coordinatorFaultSchema>;
/** A whole plan. */
export type FaultPlan = z.infer<typeof faultPlanSchema>;
