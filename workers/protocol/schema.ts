/** The schema of worker replies; every reply is validated when it is received. */
import * as z from "zod";
import { EXCHANGE_WAYS } from "../../src/reduce/schema.ts";
import type { Identity } from "./identity.ts";
import { EXIT, type ExitName } from "../../src/base/user_error.ts";

const count = z.int().min(0);
/** Losses and norms may be NaN or infinite once training has diverged. */
const real = z.union([z.number(), z.nan(), z.literal(Infinity), z.literal(-Infinity)]);

const exitName = z.string().refine((name) => Object.hasOwn(EXIT, name), {
  error: "need the name of an exit code",
}).transform((name) => name as ExitName);

const times = z.strictObject({
  /** Micro-batches: with peers until the gradient is read back, alone until they are queued. */
  compute: z.number(),
  /** Exchange with the peers, including the wait for the slowest one; 0 when alone. */
  exchange: z.number(),
  /** Upload of the sum to the device, while others are still under way; 0 when alone. */
  write: z.number(),
  /** Loss, norm and check of the gradient; alone, also the rest of the computation. */
  inspect: z.number(),
  /** Bytes that the exchange sent; 0 when alone. */
  sent: count,
  /** Share of the sum that was there before the own gradient was: the exchange hid that much. */
  hidden: z.number().min(0).max(1),
  /** From the start of the exchange to the arrival of each rank's roots; empty when alone. */
  waited: z.array(z.number()),
});

const progress = z.strictObject({
  of: z.enum(["kernels", "sequences"]),
  done: count,
  total: count,
}).refine(({ done, total }) => done <= total, { error: "need done of at most total" });

/** A worker's progress: compiled kernels, or evaluated sequences. */
export type WorkerProgress = z.infer<typeof progress>;

/** Times of the phases of a worker's step, ms. */
export type StepTimes = z.infer<typeof times>;

const text = z.string().max(1000);
/** A worker's identity; the coordinator adds the part `code`. */
const identity = z.strictObject(
  {
    deno: text,
    config: text,
    tokenizer: text,
    data: text,
    adapter: text,
    kernels: text,
    shaders: text,
    probe: text,
  } satisfies Record<Exclude<keyof Identity, "code">, unknown>,
);

/** A reply of a worker. */
export const replySchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("ready"),
    params: count,
    /** As in Device. */
    mode: text.optional(),
    identity,
  }),
  /**
   * A heartbeat: the ranks whose data the worker waits for, whether it advanced since the last one, and
   * its progress, where that can be counted.
   */
  z.strictObject({
    type: z.literal("beat"),
    waiting: z.array(count),
    moved: z.boolean().optional(),
    progress: progress.optional(),
  }),
  /** How payloads travel between this worker and the others, and why not as they should. */
  z.strictObject({
    type: z.literal("formed"),
    way: z.enum(EXCHANGE_WAYS).optional(),
    why: text.optional(),
  }),
  z.strictObject({ type: z.literal("loaded") }),
  z.strictObject({ type: z.literal("proof"), hash: z.string() }),
  z.strictObject({
    type: z.literal("vote"),
    step: count,
    loss: real,
    norm: real,
    nonFinite: count,
    /** Means of the loss terms, if there are several. */
    terms: z.array(real).readonly().optional(),
    times,
  }),
  /**
   * Payload, f64: number, counted targets, batches and the sum of each term for each of this worker's
   * evaluation sequences.
   */
  z.strictObject({ type: z.literal("evaluated") }),
  /** Payload, f32: norms of dLoss_T / dh_t for t = T, T - 1, ... 1. */
  z.strictObject({ type: z.literal("reached") }),
  /** The state is copied: training may go on. */
  z.strictObject({ type: z.literal("copied") }),
  /** Payload: elements of one bucket of one vector from `start`, as f32. */
  z.strictObject({ type: z.literal("part"), vector: z.string(), bucket: count, start: count }),
  /** Payload: the carried state of a micro-batch of this worker, f32. */
  z.strictObject({ type: z.literal("lane"), index: count }),
  z.strictObject({ type: z.literal("saved") }),
  /** Payload, u32: the tokens drawn. */
  z.strictObject({ type: z.literal("sampled") }),
  /** A channel to a peer failed: the worker waits for another quorum. */
  z.strictObject({ type: z.literal("broken"), message: z.string() }),
  /** The data of a step or an evaluation is damaged. The state is intact; the worker waits for orders. */
  z.strictObject({ type: z.literal("unreadable"), exit: exitName, message: z.string() }),
  z.strictObject({ type: z.literal("failed"), exit: z.string(), message: z.string() }),
]);

/** A reply of a worker. */
export type Reply = z.infer<typeof replySchema>;
