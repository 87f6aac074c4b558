/** What a worker may say: every reply is held to this before anybody looks at it. */
import * as z from "zod";
import type { Identity } from "./identity.ts";
import { EXIT, type ExitName } from "../../src/base/user_error.ts";

const count = z.int().min(0);
/** Losses and norms may be anything but a number once training diverged. */
const real = z.union([z.number(), z.nan(), z.literal(Infinity), z.literal(-Infinity)]);

const exitName = z.string().refine((name) => Object.hasOwn(EXIT, name), {
  error: "need the name of an exit code",
}).transform((name) => name as ExitName);

const times = z.strictObject({
  /** The micro-batches. With peers, until the gradient was read back; alone, until they were queued. */
  compute: z.number(),
  /** Exchange with the peers, waiting for the slowest of them included; 0 when alone. */
  exchange: z.number(),
  /** Handing the sum to the device; 0 when alone. */
  write: z.number(),
  /** Loss, norm and check of the gradient; alone, also what the device still had to compute. */
  inspect: z.number(),
  /** From the start of the exchange until the roots of each rank were there; empty when alone. */
  waited: z.array(z.number()),
});

const progress = z.strictObject({
  of: z.enum(["kernels", "sequences"]),
  done: count,
  total: count,
}).refine(({ done, total }) => done <= total, { error: "need done of at most total" });

/** How far a worker is: kernels that are compiled, or sequences that are evaluated. */
export type WorkerProgress = z.infer<typeof progress>;

/** Where a worker's step went: milliseconds by phase. */
export type StepTimes = z.infer<typeof times>;

const said = z.string().max(1000);
/** What a worker is, as it says itself; whether its code is that of the run others see. */
const identity = z.strictObject(
  {
    deno: said,
    config: said,
    tokenizer: said,
    data: said,
    adapter: said,
    kernels: said,
    shaders: said,
    probe: said,
  } satisfies Record<Exclude<keyof Identity, "code">, unknown>,
);

/** A reply of a worker. */
export const replySchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("ready"),
    params: count,
    identity,
  }),
  /**
   * A sign of life, the ranks whose data it waits for, whether it got further since the last, and
   * how far it is, where that can be counted.
   */
  z.strictObject({
    type: z.literal("beat"),
    waiting: z.array(count),
    moved: z.boolean().optional(),
    progress: progress.optional(),
  }),
  z.strictObject({ type: z.literal("formed") }),
  z.strictObject({ type: z.literal("loaded") }),
  z.strictObject({ type: z.literal("proof"), hash: z.string() }),
  z.strictObject({
    type: z.literal("vote"),
    step: count,
    loss: real,
    norm: real,
    nonFinite: count,
    times,
  }),
  /**
   * Payload, f64: number, loss sum, counted and met targets of each of this worker's evaluation
   * sequences.
   */
  z.strictObject({ type: z.literal("evaluated") }),
  /** Payload, f32: norms of dLoss_T / dh_t for t = T, T - 1, ... 1. */
  z.strictObject({ type: z.literal("reached") }),
  /** Training may go on: what is to be saved was copied. */
  z.strictObject({ type: z.literal("copied") }),
  /** Payload: elements of one bucket of one vector from `start`, as f32. */
  z.strictObject({ type: z.literal("part"), vector: z.string(), bucket: count, start: count }),
  /** Payload: what a micro-batch of this worker carries, as f32. */
  z.strictObject({ type: z.literal("lane"), index: count }),
  z.strictObject({ type: z.literal("saved") }),
  /** Payload, u32: the tokens drawn. */
  z.strictObject({ type: z.literal("sampled") }),
  /** A test's strike is about to happen; a signal is sent by whoever hears this. */
  z.strictObject({ type: z.literal("strike"), deed: z.string(), ms: z.number() }),
  /** A conversation with a peer failed: waiting for another formation. */
  z.strictObject({ type: z.literal("broken"), message: z.string() }),
  /** What a step or an evaluation reads is damaged: the state is whole, and it waits to be told more. */
  z.strictObject({ type: z.literal("unreadable"), exit: exitName, message: z.string() }),
  z.strictObject({ type: z.literal("failed"), exit: z.string(), message: z.string() }),
]);

/** What a worker says. */
export type Reply = z.infer<typeof replySchema>;
