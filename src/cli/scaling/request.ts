/** What a command line asks `scaling` for. Reads no file. */
import * as z from "zod";
import { UserError } from "../../base/user_error.ts";
import { BOOTSTRAP } from "../../scaling/fit/bootstrap.ts";
import { type Count, COUNTS, type LossKind } from "../../scaling/read.ts";
import { type FlagsSpec, parseFlags } from "../flags.ts";

/** The flags of `scaling`. */
export const SCALING = {
  usage: "deno task scaling DIR [--flag=value]..., or deno task scaling OUT --csv=FILE",
  about:
    "Fits scaling laws to the finished trials of a sweep, DIR/trials.jsonl, or to a table of\n" +
    "others, FILE, and writes scaling.json, points.csv, three pictures and the page scaling.html to\n" +
    "DIR or OUT.",
  examples: [
    "deno task scaling runs/widths",
    "deno task scaling runs/widths --budgets=1e15,1e16",
    "deno task scaling fitted --csv=trials.csv",
  ],
  flags: {
    csv: z.string().min(1).optional().meta({ value: "FILE" }).describe(
      "Table to fit instead: columns params, tokens, loss; flops and name if there are such",
    ),
    params: z.enum(COUNTS).default("all").meta({ value: "COUNT" }).describe(
      "Which parameters N counts",
    ),
    loss: z.enum(["val", "train"]).default("val").meta({ value: "NAME" }).describe(
      "Which loss of a trial is fitted",
    ),
    budgets: z.string().min(1).optional().meta({ value: "C,..." }).describe(
      "FLOP whose best use is asked, as 1e15,1e16. By default powers of ten about the trials",
    ),
    bootstrap: z.int().min(200).max(100000).default(BOOTSTRAP.draws).describe(
      "Draws that intervals are made of",
    ),
    level: z.number().min(0.5).max(0.999).default(BOOTSTRAP.level).describe(
      "Share of the draws that an interval holds",
    ),
    seed: z.int().min(0).default(BOOTSTRAP.seed).describe("Seed of the draws"),
  },
} satisfies FlagsSpec;

/** A call of `scaling`. */
export interface ScalingRequest {
  readonly folder: string;
  readonly csv?: string;
  readonly count: Count;
  readonly loss: LossKind;
  readonly budgets?: readonly number[];
  readonly bootstrap: { readonly draws: number; readonly seed: number; readonly level: number };
}

/** Reads a command line. @throws {UserError} `config`. */
export function parseScaling(args: readonly string[]): ScalingRequest | "help" {
  const { positionals, values, help } = parseFlags(args, SCALING);
  if (help) return "help";
  const [folder, ...more] = positionals;
  const { csv, budgets } = values;
  if (folder === undefined && csv !== undefined) {
    throw new UserError(
      "config",
      `Cannot fit: need a folder to write to, as in deno task scaling OUT --csv=${csv}: got none`,
    );
  }
  if (folder === undefined || more.length > 0) {
    throw new UserError(
      "config",
      `Cannot fit: need one folder, as in ${SCALING.usage}: got ${positionals.length}`,
    );
  }
  if (csv !== undefined && values["params"] !== "all") {
    throw new UserError(
      "config",
      `Cannot take --params=${values["params"]}: a table of --csv has one count, params`,
    );
  }
  return {
    folder,
    ...(csv !== undefined && { csv }),
    count: values["params"],
    loss: values["loss"],
    ...(budgets !== undefined && { budgets: budgetsOf(budgets) }),
    bootstrap: { draws: values["bootstrap"], seed: values["seed"], level: values["level"] },
  };
}

function budgetsOf(text: string): number[] {
  return text.split(",").map((word) => {
    const value = word.trim() === "" ? NaN : Number(word);
    if (Number.isFinite(value) && value > 0) return value;
    throw new UserError(
      "config",
      `Cannot take --budgets: need FLOP with commas between, as in 1e15,1e16: ${text}`,
    );
  });
}
