/**
 * The loss that a fitted law foretells for a run, with its interval: how far the law's draws differ
 * there, and how far it is off for trials that it was not fitted to. It fits nothing.
 */
import { sealFault } from "../base/hash.ts";
import { parseJsonText } from "../base/text/json.ts";
import { UserError } from "../base/user_error.ts";
import type { Counts } from "./counts.ts";
import { type Scaling, scalingSchema } from "./schema.ts";

/** A loss that was foretold. */
export interface Prediction {
  /** Nats per token. */
  readonly loss: number;
  readonly low: number;
  readonly high: number;
  /** Probability that the interval is meant to hold. */
  readonly level: number;
  /** The law, as people write it. */
  readonly law: string;
  /** Which count of parameters it takes, and how many the run has of them. */
  readonly count: Scaling["source"]["params"];
  readonly params: number;
  readonly tokens: number;
  /** Which loss the law is of. */
  readonly of: string;
  /** Times that the run exceeds the largest trial, in parameters or tokens; at most 1 inside. */
  readonly beyond: number;
  /** The law's draws differ so much there that the loss and its interval mean nothing. */
  readonly undetermined: boolean;
}

/** Standard deviations of a normal distribution that hold `LEVEL` of it. */
const WIDE = 1.959964;
const LEVEL = 0.95;
/** Factor between the ends of an interval from which on it means nothing. */
const WIDEST = 10;

/** Reads a scaling.json. @throws {UserError} `data` where it is none, or has no law of N and D. */
export function parseFit(text: string, path: string): Scaling {
  const fault = (reason: string) =>
    new UserError(
      "data",
      `Cannot predict a loss from ${path}: need the scaling.json of a fit of L(N, D): ${reason}`,
    );
  let value: unknown;
  try {
    value = parseJsonText(text);
  } catch {
    throw fault("it is no JSON");
  }
  const changed = sealFault(value);
  if (changed !== undefined) throw fault(`${changed}: run the task scaling again`);
  const { data, error } = scalingSchema.safeParse(value);
  if (data !== undefined) return data;
  const [issue] = error.issues;
  throw fault(`${issue?.path.join(".") || "it"}: ${issue?.message}`);
}

/** E, A, B, alpha, beta. */
type Law = Scaling["draws"][number];

/** The loss of a run of `tokens` tokens of a model with `counts`. */
export function predict(
  { source, chinchilla: { estimates, quality }, range, draws }: Scaling,
  { counts, tokens }: { readonly counts: Counts; readonly tokens: number },
): Prediction {
  const params = counts[source.params];
  const at = ([E, A, B, alpha, beta]: Law): number => E + A / params ** alpha + B / tokens ** beta;
  const { E, A, B, alpha, beta } = estimates;
  const loss = at([E.value, A.value, B.value, alpha.value, beta.value]);
  const spread = meanOf(draws.map((draw) => Math.log(at(draw) / loss) ** 2));
  const deviation = Math.sqrt(spread + quality.leave_one_out_rms ** 2);
  const [low, high] = [-WIDE, WIDE].map((at) => loss * Math.exp(at * deviation)) as [
    number,
    number,
  ];
  return {
    loss,
    low,
    high,
    level: LEVEL,
    law: `L = ${short(E)} + ${short(A)} / N^${short(alpha)} + ${short(B)} / D^${short(beta)}`,
    count: source.params,
    params,
    tokens,
    of: source.loss,
    beyond: Math.max(params / range.params[1], tokens / range.tokens[1]),
    // NaN is not below it either.
    undetermined: !(high / low < WIDEST),
  };
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;
}

function short({ value }: { readonly value: number }): string {
  return value.toPrecision(4);
}
