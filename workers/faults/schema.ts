/** What a fault plan says: what happens to whom, when and where. Knows no process. */
import * as z from "zod";

/** Points of a worker's work where a fault can strike. */
export const WORKER_POINTS = [
  /** Before the device is opened. */
  "start",
  /** When half of its micro-batches are computed. */
  "forward",
  /** When its slice of the gradient is summed and nobody was told. */
  "exchange",
  /** When it has the sum, before it votes. */
  "summed",
  /** When its vote is sent. */
  "voted",
  /** When every vote was cast, before its update. */
  "apply",
  /** Between two evaluation sequences. */
  "evaluate",
  /** While its slice of a checkpoint is sent. */
  "save",
] as const;

/** What can happen to a worker. */
export const FAULT_ACTIONS = [
  /** Its process is killed. */
  "sigkill",
  /** Its process is stopped, for ever unless the plan says when it goes on. */
  "sigstop",
  /** It waits for ever, though its event loop lives. */
  "hang",
  /** It is busy for `ms` milliseconds and hears nothing. */
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

/** A fault as a worker is told of it. */
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
