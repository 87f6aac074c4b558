/** Schemas of sweep files: axes, rules and budgets. Config keys are checked in read.ts. */
import * as z from "zod";
import type { RunInput } from "../config/schema.ts";

const count = z.int({ error: "need an integer >= 1" }).min(1, { error: "need an integer >= 1" });
const bounds = z.tuple([z.number(), z.number()], { error: "need two numbers, [least, most]" });
const positive = z.number({ error: "need a number > 0" }).gt(0, { error: "need a number > 0" });
/** Values are rounded to multiples of this; 1: integers. */
const round = positive;
const seed = z.int().min(0).default(0);
const counted = z.enum(["all", "no_embedding", "matrices"], {
  error: "need all, no_embedding or matrices",
}).default("all");

const list = z.array(z.json(), { error: "need a list" })
  .min(1, { error: "need at least one value: it is empty" });

/**
 * Axis rules by their identifying key. `log` and `range` are spaced evenly by ratio and by
 * difference, ends included. Value i of `random` and `draws` depends only on the seed, the axis's
 * name and i; `draws` sets several keys. `random` has an option `log`, so it must come before the
 * rule `log`.
 */
export const AXES = {
  random: z.strictObject({
    random: bounds,
    count,
    seed,
    log: z.boolean().default(false),
    round: round.optional(),
  }),
  draws: z.strictObject({
    draws: z.record(
      z.string(),
      z.strictObject({ in: bounds, log: z.boolean().default(false), round: round.optional() }),
    ),
    count,
    seed,
  }),
  log: z.strictObject({ log: bounds, count, round: round.optional() }),
  range: z.strictObject({ range: bounds, count, round: round.optional() }),
} as const;

/** A list of values, or of objects `{ "dotted.key": value }` that set several keys at once. */
export const LIST = list;

/** Rules of derived keys by their identifying key. */
export const SCHEDULERS = {
  /** times x the value of another key, plus a number, rounded to a multiple. */
  of: z.strictObject({
    of: z.string(),
    times: z.number({ error: "need a number" }),
    plus: z.number().default(0),
    round: round.default(1),
    least: z.number().optional(),
    most: z.number().optional(),
  }),
  /** The value whose parameter count is nearest to this one. */
  params: z.strictObject({ params: positive, count: counted, round: round.default(1) }),
} as const;

const amounts = z.array(positive, { error: "need a list of numbers" })
  .min(1, { error: "need at least one number: it is empty" });

/** Length of trials by the given amount; sets steps and the end of the learning rate decay. */
export const BUDGETS = {
  tokens: z.strictObject({ tokens: amounts }),
  per_parameter: z.strictObject({ per_parameter: amounts, count: counted }),
  flops: z.strictObject({ flops: amounts, count: counted }),
} as const;

/** Early stopping by asynchronous successive halving. */
export const ashaSchema = z.strictObject({
  min_steps: count.describe("Steps of the first rung"),
  eta: z.int({ error: "need an integer >= 2" }).min(2, { error: "need an integer >= 2" }).default(3)
    .describe("One in so many goes on, for so many times the steps"),
});

/** A whole sweep. */
export const sweepSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/, {
    error: "need letters, digits, dots, dashes and underscores, no dot first",
  }).describe("Name of the sweep"),
  base: z.union([z.string().min(1), z.record(z.string(), z.json())]).default({})
    .describe("The config that trials share: its keys, or the path of a config file"),
  axes: z.record(z.string().min(1), z.unknown()).default({})
    .describe("What differs: a list or a rule for each dotted key; all are crossed"),
  derived: z.record(z.string().min(1), z.unknown()).default({})
    .describe("Keys that follow from others, in this order"),
  budgets: z.unknown().optional()
    .describe("Tokens, tokens per parameter, or FLOP (6ND) of trials"),
  replicates: z.strictObject({
    seeds: z.array(z.int().min(0)).min(1, { error: "need at least one seed: it is empty" }),
  }).optional().describe("Seeds with which every trial is repeated"),
  trunk: z.boolean().default(false)
    .describe("Whether budgets share their constant-rate part; needs optim.schedule wsd"),
  parallel: count.optional().describe("Trials at a time; default: the processor's cores"),
  large: z.number().gt(0).default(20e6)
    .describe("Parameters from which a trial has the box to itself, with a worker in each place"),
  memory: z.number().gt(0).nullable().default(null)
    .describe(
      "Bytes that trials running at once may need; null is this machine's, where they use it",
    ),
  retries: z.int().min(0).default(2).describe("Times that a failed trial is tried again"),
  asha: ashaSchema.optional().describe("Early stopping by successive halving"),
});

/** A sweep before `axes`, `derived` and `budgets` are validated. */
export type RawSweep = z.infer<typeof sweepSchema>;
/** An axis: a list of values or a rule. */
export type Axis = z.infer<typeof list> | z.infer<typeof AXES[keyof typeof AXES]>;
/** A rule of a derived key. */
export type Rule = z.infer<typeof SCHEDULERS[keyof typeof SCHEDULERS]>;
/** Budgets; a plain list means tokens. */
export type Budgets = z.infer<typeof BUDGETS[keyof typeof BUDGETS]>;
/** Settings of ASHA. */
export type Asha = z.infer<typeof ashaSchema>;
/** A complete sweep. */
export type Sweep = Omit<RawSweep, "axes" | "derived" | "budgets" | "base"> & {
  readonly base: Readonly<Record<string, unknown>>;
  readonly axes: Readonly<Record<string, Axis>>;
  readonly derived: Readonly<Record<string, Rule>>;
  readonly budgets: Budgets | undefined;
};

/** Input type of sweep files. */
export type SweepInput =
  & Omit<z.input<typeof sweepSchema>, "axes" | "derived" | "budgets" | "base">
  & {
    readonly base?: string | RunInput;
    readonly axes?: Readonly<
      Record<string, z.input<typeof list> | z.input<typeof AXES[keyof typeof AXES]>>
    >;
    readonly derived?: Readonly<
      Record<string, z.input<typeof SCHEDULERS[keyof typeof SCHEDULERS]>>
    >;
    readonly budgets?: readonly number[] | z.input<typeof BUDGETS[keyof typeof BUDGETS]>;
  };

/** A schema and its issues. */
export type Schema = z.ZodType;
export type Issue = z.core.$ZodIssue;
