/**
 * What a sweep file says. Knows the shape of axes, rules and budgets, not which keys a config has:
 * `expand` looks those up.
 */
import * as z from "zod";
import type { RunInput } from "../config/schema.ts";

const count = z.int({ error: "need an integer >= 1" }).min(1, { error: "need an integer >= 1" });
const bounds = z.tuple([z.number(), z.number()], { error: "need two numbers, [least, most]" });
const positive = z.number({ error: "need a number > 0" }).gt(0, { error: "need a number > 0" });
/** Values are multiples of this; 1 makes them whole. */
const round = positive;
const seed = z.int().min(0).default(0);
const counted = z.enum(["all", "no_embedding", "matrices"], {
  error: "need all, no_embedding or matrices",
}).default("all");

const list = z.array(z.json(), { error: "need a list" })
  .min(1, { error: "need at least one value: it is empty" });

/**
 * Values of a key by the name of the rule that makes them. `log` and `range` are evenly spaced with
 * both ends, by ratio and by difference; of `random` and `draws`, number i depends on the seed, the
 * axis's name and i alone; `draws` draws several keys at once. `random` has a `log` of its own, so
 * it comes before that.
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

/** Rules for a key whose value follows from others, by the name that tells them apart. */
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
  /** The value with which the number of parameters is nearest to this one. */
  params: z.strictObject({ params: positive, count: counted, round: round.default(1) }),
} as const;

const amounts = z.array(positive, { error: "need a list of numbers" })
  .min(1, { error: "need at least one number: it is empty" });

/** How long trials are, by what is told: steps follow, and the rate ends its decay there. */
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
  parallel: count.optional().describe("Trials at a time; the processor's cores unless told"),
  large: z.number().gt(0).default(20e6)
    .describe("Parameters from which a trial has the box to itself, with a worker in each place"),
  memory: z.number().gt(0).nullable().default(null)
    .describe(
      "Bytes that trials running at once may need; null is this machine's, where they use it",
    ),
  retries: z.int().min(0).default(2).describe("Times that a failed trial is tried again"),
  asha: ashaSchema.optional().describe("Early stopping by successive halving"),
});

/** A sweep whose `axes`, `derived` and `budgets` are not checked yet. */
export type RawSweep = z.infer<typeof sweepSchema>;
/** An axis: a list, or a rule that makes one. */
export type Axis = z.infer<typeof list> | z.infer<typeof AXES[keyof typeof AXES]>;
/** A rule for a key. */
export type Rule = z.infer<typeof SCHEDULERS[keyof typeof SCHEDULERS]>;
/** Budgets; a plain list is one of tokens. */
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

/** What a sweep file may say. */
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

/** A schema, and what it complains of. */
export type Schema = z.ZodType;
export type Issue = z.core.$ZodIssue;
