/** Formats the prediction of `plan` as text and as JSON. Pure. */
import type { ExchangeBudget } from "../../budget/exchange.ts";
import { COUNT_WORDS, type Counts } from "../../budget/counts.ts";
import type { RunExtent } from "../../budget/extent.ts";
import type { FlopCount } from "../../models/definition.ts";
import type { Hours } from "../../budget/hours.ts";
import { MEMORY_WORDS, type MemoryBudget, type Sized } from "../../budget/memory.ts";
import type { Prediction } from "../../budget/prediction.ts";
import { showBytes, showCount, showSeconds } from "../../report/format.ts";
import { table } from "../table.ts";

/** FLOP by a formula, of a token and of the run. */
export interface FlopTotal extends FlopCount {
  readonly run: number;
}

/** What was measured, and what follows from it for the run. */
export interface Speed extends Hours {
  /** Micro-batches that were timed. */
  readonly micro_batches: number;
  readonly micro_batch_seconds: number;
  readonly update_seconds: number;
  /** Of one worker that has the device for itself. */
  readonly one_worker_tokens_per_s: number;
  /** FLOP per second by the formula 6N. */
  readonly flops_per_s: number;
  /** How the time was estimated. */
  readonly how: string;
}

/** The adapter's limits. */
export interface AdapterLimits {
  readonly name: string;
  /** Null where the device has none. */
  readonly binding_bytes: number | null;
  readonly buffer_bytes: number | null;
}

/** What is printed. */
export interface PlanReport {
  readonly name: string;
  readonly model: string;
  readonly vocabulary: number;
  readonly workers: number;
  readonly parameters: Counts;
  /** Those that one token uses: without experts that it is not sent to. */
  readonly parameters_of_a_token: number;
  readonly flops: readonly FlopTotal[];
  /** FLOP per token of all ops in the gradient plan, as they count themselves. */
  readonly counted_flops_per_token: number;
  readonly extent: RunExtent;
  /** Tokens of the run per parameter. */
  readonly tokens_per_parameter: number;
  /** Of one worker on its device. */
  readonly memory: MemoryBudget;
  readonly memory_of_all_workers: number;
  /** Of one of several workers. */
  readonly exchange: ExchangeBudget | null;
  /** Of one worker in its own memory: tokens of text files. */
  readonly text_bytes: number;
  readonly adapter: AdapterLimits | null;
  /** Bytes of the device, where they are known. */
  readonly memory_limit: number | null;
  /** What does not fit, and what to lower. */
  readonly faults: readonly string[];
  /** Windows of a micro-batch: the config's, and most that fit by each limit alone. */
  readonly micro_batch_size: {
    readonly config: number;
    readonly by_adapter: number | null;
    readonly by_memory: number | null;
  };
  readonly speed: Speed | null;
  readonly prediction: Prediction | null;
  /** What does not come out even, what could not be known, and why. */
  readonly notes: readonly string[];
}

const ACTIVE_WORDS = "those that one token uses: all but the experts that it is not sent to";

/** The report as lines. */
export function planLines(report: PlanReport): string[] {
  const { name, model, vocabulary, parameters, parameters_of_a_token: active } = report;
  return [
    `${name}: ${model}, vocabulary of ${vocabulary}`,
    "",
    "parameters",
    ...table(
      (Object.keys(COUNT_WORDS) as (keyof Counts)[])
        .map((key) => [key, exact(parameters[key]), COUNT_WORDS[key]])
        .concat(active < parameters.all ? [["active", exact(active), ACTIVE_WORDS]] : []),
    ),
    "",
    "FLOP, forwards and backwards",
    ...table([
      ["formula", "per token", "run", ""],
      ...report.flops.map(({ formula, per_token, run, words }) => [
        formula,
        showCount(per_token),
        run.toExponential(3),
        words,
      ]),
      [
        "counted",
        showCount(report.counted_flops_per_token),
        (report.counted_flops_per_token * report.extent.tokens).toExponential(3),
        "every op of the compiled gradient, as it counts itself",
      ],
    ]),
    "",
    ...readLines(report),
    "",
    ...memoryLines(report),
    "",
    ...exchangeLines(report),
    ...timeLines(report),
    ...predictionLines(report),
    ...report.notes.map((note) => `note: ${note}`),
    ...report.faults.map((fault) => `does not fit: ${fault}`),
  ];
}

function readLines({ extent, tokens_per_parameter }: PlanReport): string[] {
  const { steps, window, tokens_per_step, tokens, texts } = extent;
  return [
    "tokens",
    ...table([
      ["a step", exact(tokens_per_step), `windows of ${window}`],
      [
        "the run",
        exact(tokens),
        `${exact(steps)} steps, ${few(tokens_per_parameter)} tokens per ` +
        "parameter",
      ],
      ...texts.map((text) => [
        text.name,
        exact(text.tokens),
        `to train on: ${few(text.epochs)} epochs, each token read ${few(text.passes)} times`,
      ]),
    ]),
  ];
}

function memoryLines(report: PlanReport): string[] {
  const { memory, adapter, memory_limit, micro_batch_size: windows, text_bytes } = report;
  const roles = (Object.keys(MEMORY_WORDS) as (keyof typeof MEMORY_WORDS)[])
    .filter((role) => memory.roles[role] > 0);
  const most = (n: number | null): string =>
    n === null ? "any number" : n === 0 ? "none" : `at most ${exact(n)}`;
  return [
    "memory of a worker",
    ...table([
      ...roles.map((role) => [role, showBytes(memory.roles[role]), MEMORY_WORDS[role]]),
      ["all", showBytes(memory.total), sharing(report)],
      ...text_bytes > 0 ? [["text", showBytes(text_bytes), "in the worker's own memory"]] : [],
      ["binding", showBytes(memory.binding.bytes), largest(memory.binding, adapter?.binding_bytes)],
      ["buffer", showBytes(memory.buffer.bytes), largest(memory.buffer, adapter?.buffer_bytes)],
      [
        "micro_batch_size",
        exact(windows.config),
        [
          "windows per micro-batch",
          ...adapter === null ? [] : [`${most(windows.by_adapter)} by the adapter's limits`],
          memory_limit === null
            ? "by its memory only --memory=GIB tells"
            : `${most(windows.by_memory)} by ${showBytes(memory_limit)} of memory`,
        ].join("; "),
      ],
    ]),
  ];
}

function exchangeLines({ exchange, workers }: PlanReport): string[] {
  if (exchange === null) return [];
  const { way, gradient_bytes, bytes, memory, seconds, pace } = exchange;
  return [
    "exchange of gradients",
    ...table([
      ["gradient", showBytes(gradient_bytes), "of a worker, with the loss"],
      ["a step", showBytes(bytes), `sent by each of ${workers} workers, and as much received`],
      ["memory", showBytes(memory), "of each worker's own"],
      [
        "time",
        `${(1e3 * seconds).toPrecision(3)} ms`,
        `by exchange.way ${way} at ${showBytes(pace)}/s, the pace of two workers of a Xeon, ` +
        "with nothing hidden",
      ],
    ]),
    "",
  ];
}

function sharing({ workers, memory_of_all_workers: all }: PlanReport): string {
  return workers === 1
    ? "on its device"
    : `on its device, ${showBytes(all)} for ${workers} workers`;
}

function largest({ name }: Sized, limit: number | null | undefined): string {
  const allowed = limit === undefined
    ? "no adapter to ask"
    : limit === null
    ? "no limit"
    : `at most ${showBytes(limit)}`;
  return `the largest, ${name}; ${allowed}`;
}

function timeLines({ speed, workers }: PlanReport): string[] {
  if (speed === null) return [];
  const { one_worker_tokens_per_s, micro_batches, hours, tokens_per_s, flops_per_s, how } = speed;
  const rows = [
    [
      "measured",
      `${showCount(one_worker_tokens_per_s)} tokens/s`,
      `one worker, ${micro_batches} micro-batches after one to warm up; ` +
      `${showBytes(flops_per_s).replace(/B$/, "FLOP/s")} by 6N`,
    ],
    [
      "estimated",
      showSeconds(3600 * hours),
      `${showCount(tokens_per_s)} tokens/s on ${workers} worker${workers === 1 ? "" : "s"}: ${how}`,
    ],
  ];
  return ["time", ...table(rows), ""];
}

function predictionLines({ prediction }: PlanReport): string[] {
  if (prediction === null) return [];
  const { loss, low, high, level, law, count, of, beyond, undetermined } = prediction;
  const far = beyond > 1
    ? `; ${few(beyond)} times the largest trial, where the law is a guess`
    : "";
  if (undetermined) {
    const why =
      `its trials do not determine the loss of this run, by ${law}; N ${count}, loss ${of}`;
    return ["loss", ...table([["predicted", "none", why + far]]), ""];
  }
  const between = `${low.toFixed(4)} to ${high.toFixed(4)} at ${Math.round(100 * level)} %`;
  return [
    "loss",
    ...table([[
      "predicted",
      loss.toFixed(4),
      `${between}, by ${law}; N ${count}, loss ${of}` + far,
    ]]),
    "",
  ];
}

/** All digits: `124,439,808`. */
function exact(n: number): string {
  return n.toLocaleString("en-US");
}

/** Three digits that count. */
function few(n: number): string {
  return n >= 100 ? exact(Math.round(n)) : n.toPrecision(3);
}
