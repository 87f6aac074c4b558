/**
 * The schema of a run's config: the sections of the components, the keys of the run as a whole, and
 * the checks across sections.
 */
import { DEVICE_KINDS, isDriverless } from "../base/device_kinds.ts";
import * as z from "zod";
import { checkpointSchema } from "../checkpoint/schema.ts";
import { dataSchema } from "../data/schema.ts";
import { guardSchema } from "../guard/schema.ts";
import { recoverySchema } from "../membership/schema.ts";
import { exchangeSchema } from "../reduce/schema.ts";
import { modelOf, modelSchema } from "../models/mod.ts";
import { optimSchema } from "../optim/mod.ts";
import { reportSchema } from "../report/schema.ts";
import { limitFaults } from "./limits.ts";
import { mismatches } from "./mismatches.ts";

/** Sections with a schema per kind, and the kind of a config that names none. */
export const DEFAULT_KINDS = { model: "gpt", optim: "adamw" } as const;

/** When and on how much a run evaluates. */
const evalSchema = z.strictObject({
  every: z.int().min(0).default(200)
    .describe("Steps between evaluations; 0 evaluates at the end only"),
  windows: z.int().min(0).default(128)
    .describe("Validation windows per evaluation and text, evenly spaced; 0 asks every token once"),
  stride: z.int().min(1).nullable().default(null)
    .describe(
      "Tokens from one evaluation window to the next, each token counted once; null is the window",
    ),
});

/** Where a run computes. The kind alone stands for the section: `"device": "cpu"`. */
const deviceSchema = z.strictObject({
  kind: z.enum(DEVICE_KINDS).default("auto")
    .describe(
      "Where kernels run: auto is a GPU where there is one, else cpu; webgpu takes any adapter, a " +
        "software driver too; cpu is WebAssembly on the cores; reference is plain loops and slow",
    ),
  checks: z.boolean().default(false)
    .describe("Keep WebAssembly's bounds checks on the CPU device: slower, with the same bits"),
});

/** The config of a run. Every key has a default, so `{}` is valid. */
export const runSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/, {
    error: "need letters, digits, dots, dashes and underscores, no dot first",
  }).default("run").describe("Name of the run: letters, digits, dots, dashes, underscores"),
  seed: z.int().min(0).default(1337).describe("Root of all random numbers of the run"),
  steps: z.int().min(1).default(1000).describe("Optimizer steps until the run ends"),
  workers: z.int().min(1).default(1)
    .describe(
      "Worker processes, at most micro_batches; the result does not depend on it. If not given, " +
        "training takes one for each card, or for each core where the CPU computes",
    ),
  device: deviceSchema.prefault({}),
  exchange: exchangeSchema.prefault({}),
  gpus: z.string().regex(/^[^,\s]+(,[^,\s]+)*$/, {
    error: "need numbers of cards with commas between them, as 0,1",
  }).nullable().default(null)
    .describe("Card of each worker by number, PCI address or UUID, as 0,1; null chooses"),
  out: z.string().min(1).nullable().default(null)
    .describe("Folder that the run writes to; null names one after the run"),
  init: z.string().min(1).nullable().default(null)
    .describe(
      "Run, checkpoint or exported model whose parameters and tokenizer a new run begins with",
    ),
  micro_batches: z.int().min(1).default(4)
    .describe(
      "Micro-batches S per step, a power of two; a step reads S x micro_batch_size x seq_len tokens",
    ),
  micro_batch_size: z.int().min(1).default(8)
    .describe("Sequences B per micro-batch"),
  eval: evalSchema.prefault({}),
  model: modelSchema.prefault({ kind: DEFAULT_KINDS.model }),
  data: dataSchema.prefault({}),
  optim: optimSchema.prefault({ kind: DEFAULT_KINDS.optim }),
  checkpoint: checkpointSchema.prefault({}),
  guard: guardSchema.prefault({}),
  recovery: recoverySchema.prefault({}),
  report: reportSchema.prefault({}),
}).superRefine((run, context) => {
  const { steps, workers, micro_batches, micro_batch_size } = run;
  const fault = (path: string, message: string) =>
    context.addIssue({ code: "custom", path: path.split("."), message });
  if (!Number.isInteger(Math.log2(micro_batches))) {
    fault("micro_batches", `need a power of two: ${micro_batches}`);
  }
  if (workers > micro_batches) {
    fault("workers", `need at most micro_batches: ${workers} is above ${micro_batches}`);
  }
  if (!Number.isSafeInteger(steps * micro_batches * micro_batch_size)) {
    fault("steps", "need steps x micro_batches x micro_batch_size below 2^53: the product is not");
  }
  const { kind, checks } = run.device;
  if (run.gpus !== null && isDriverless(kind)) {
    fault("gpus", `need device auto or webgpu: ${kind} computes on no card`);
  }
  if (checks && kind !== "auto" && kind !== "cpu") {
    fault("device.checks", `need device cpu: ${kind} has no bounds checks to keep`);
  }
  if (run.exchange.overlap === "on" && kind === "cpu") {
    const message = "need device auto or webgpu: cpu computes on the cores that the exchange needs";
    fault("exchange.overlap", message);
  }
  const directions = modelOf(run.model).directions?.(run.model) ?? [];
  if (run.report.gradient_reach && directions.length === 0) {
    const message = `need a recurrent model: ${run.model.kind} has no state to reach`;
    fault("report.gradient_reach", message);
  }
  for (const [path, message] of [...limitFaults(run), ...mismatches(run)]) fault(path, message);
});

/** A validated config with all defaults filled in. */
export type RunConfig = z.infer<typeof runSchema>;
/** A config file's content: every key is optional. */
export type RunInput = z.input<typeof runSchema>;
