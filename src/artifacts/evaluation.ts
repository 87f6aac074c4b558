/** How a stored model is evaluated: the config, and the data. */
import type { DeviceKind } from "../base/device_kinds.ts";
import { basename } from "node:path";
import { UserError } from "../base/user_error.ts";
import { resolveConfig } from "../config/resolve.ts";
import type { RunConfig } from "../config/schema.ts";
import { NO_DATA } from "../corpus/corpus.ts";
import { type Data, readData } from "../corpus/data.ts";
import { tokensOfText } from "../corpus/text_tokens.ts";
import { unescaped } from "../data/document_end.ts";
import { isPrepared } from "../data/prepared/open.ts";
import { readText } from "../data/read.ts";
import { slidesOf, sourceMakerOf } from "../data/sources/mod.ts";
import { textIn } from "../data/text.ts";
import type { OpenedModel } from "./model.ts";

/** What an evaluation is asked to do. */
export interface EvaluationOptions {
  /** Prepared folder or text file; null is the data of the model's run. */
  readonly data: string | null;
  /** Tokens from one window to the next; null is half a window. */
  readonly stride: number | null;
  readonly workers: number;
  readonly gpus: string | null;
  readonly device: DeviceKind;
  /** Largest share of the tokens of `data` that may be unknown to the tokenizer. */
  readonly maxUnknown: number;
}

/**
 * The config by which a model is evaluated: that of its run, as far as it has one.
 * @throws {UserError} `config` for options that its data does not have.
 */
export function evaluationConfig(
  { path, config, model, context, targetKind }: OpenedModel,
  { data, stride = null, workers, gpus, device, maxUnknown }: EvaluationOptions,
): RunConfig {
  if (config === undefined && targetKind !== "next_token") {
    throw new UserError(
      "config",
      `Cannot evaluate ${path}: need its run, which says what is asked: it gives labels`,
    );
  }
  const base = config ?? resolveConfig({ model, data: { seq_len: context } });
  const { seq_len: window, bptt, source } = base.data;
  const { needsText, needsImages = false } = sourceMakerOf(base.data);
  if (data !== null && !needsText && !needsImages) {
    throw new UserError(
      "config",
      `Cannot evaluate on ${data}: need a model that reads a text: ${path} was trained on what its ` +
        `source ${source} makes up`,
    );
  }
  const slides = slidesOf(base.data);
  if (stride !== null && !slides) {
    throw new UserError(
      "config",
      `Cannot take --stride: need windows that slide, which ${path} does not have: ${stride}`,
    );
  }
  return resolveConfig({
    ...base,
    workers,
    gpus,
    // As many as workers at least, where what a window is asked does not depend on them.
    micro_batches: bptt === null
      ? Math.max(base.micro_batches, 2 ** Math.ceil(Math.log2(workers)))
      : base.micro_batches,
    device: { kind: device, checks: false },
    init: null,
    out: null,
    // The model brings its tokenizer, whatever its run made it of.
    data: {
      ...base.data,
      tokenizer: null,
      max_unknown: maxUnknown,
      ...(data !== null && { path: data, mix: null }),
    },
    eval: { every: 0, windows: 0, stride: slides ? stride ?? Math.ceil(window / 2) : null },
  });
}

/**
 * What a model is evaluated on: the validation part of its run's data or of a prepared folder, or the
 * whole of a text file. @throws {UserError} where it is unusable.
 */
export async function evaluationData(
  opened: OpenedModel,
  config: RunConfig,
  data: string | null,
): Promise<Pick<Data, "corpus" | "notes">> {
  const { path, tokenizer, vocabulary } = opened;
  const settled = { by: path, tokenizer, vocabulary, evaluates: true };
  const isNamed = opened.config !== undefined && opened.dataHash !== NO_DATA;
  if (data === null && !isNamed) {
    throw new UserError(
      "config",
      `Cannot evaluate ${path}: need --data, for it names no text: none given`,
    );
  }
  if (data === null) {
    return await readData(config, { ...settled, hash: opened.dataHash });
  }
  if (isPrepared(data) || tokenizer === undefined) return await readData(config, settled);
  const { document_end: end, max_unknown: most } = config.data;
  const { tokens, begins, notes } = await tokensOfText(await readText(data), {
    name: data,
    tokenizer,
    end: end === null ? null : unescaped(end),
    most,
    option: "--max-unknown",
  });
  const text = textIn({ train: tokens, validation: tokens }, {
    name: basename(data),
    begins: begins && { train: begins, validation: begins },
  });
  return { corpus: { texts: [text], vocabulary, tokenizer }, notes };
}
