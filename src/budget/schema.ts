/** What is read of a scaling.json, which the task `scaling` leaves; the rest is its own matter. */
import * as z from "zod";

const estimate = z.object({ value: z.number() });
const range = z.tuple([z.number(), z.number()]);

/** The law L = E + A / N^alpha + B / D^beta, its draws, and how well it foretells what it lacks. */
export const scalingSchema = z.object({
  format: z.literal("shoal scaling 1"),
  source: z.object({
    /** Which count of parameters N is. */
    params: z.enum(["all", "no_embedding", "matrices"]),
    /** Which loss was fitted. */
    loss: z.string(),
  }),
  chinchilla: z.object({
    estimates: z.object({
      E: estimate,
      A: estimate,
      B: estimate,
      alpha: estimate,
      beta: estimate,
    }),
    quality: z.object({ leave_one_out_rms: z.number().min(0) }),
  }),
  /** Smallest and largest among the trials. */
  range: z.object({ params: range, tokens: range }),
  /** E, A, B, alpha, beta of each draw. */
  draws: z.array(z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()])),
});

/** What is read of a scaling.json. */
export type Scaling = z.infer<typeof scalingSchema>;
