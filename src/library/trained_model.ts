/** A stored model on a device of this process, for programs. */
import { evaluationConfig, evaluationData } from "../artifacts/evaluation.ts";
import { initialOf } from "../artifacts/initial.ts";
import { type OpenedModel, openModel } from "../artifacts/model.ts";
import { promptTokens, textTokenizer } from "../artifacts/text_model.ts";
import { bytesOf } from "../base/hash.ts";
import { rootKey } from "../base/random.ts";
import { UserError } from "../base/user_error.ts";
import { sourceIn } from "../corpus/corpus.ts";
import { requireEvaluable } from "../corpus/evaluable.ts";
import { streamAfter } from "../data/tokenizers/stream_after.ts";
import { MAX_UNKNOWN } from "../data/unknown.ts";
import type { DeviceKind } from "../base/device_kinds.ts";
import { openDeviceOf } from "../device/open.ts";
import type { Device } from "../device/types.ts";
import { packLosses } from "../engine/evaluation.ts";
import { Decoder } from "../engine/decoder.ts";
import { holdParams } from "../engine/load_params.ts";
import { Replica } from "../engine/replica.ts";
import { bucketOf } from "../engine/state.ts";
import { GenerationRow } from "../generate/row.ts";
import { drawRows } from "../generate/rows.ts";
import { rowKey } from "../generate/uniform.ts";
import { evaluationOf } from "../../workers/coordinator/evaluated.ts";
import type { ConfigSection } from "./config.ts";
import type {
  EvaluateOptions,
  EvaluationResult,
  Generated,
  GenerateOptions,
  ModelTokenizer,
  OpenModelOptions,
} from "./model_options.ts";

/**
 * A stored model on a device of this process. One call at a time. Dispose it (`using`) to free the
 * device.
 */
export class TrainedModel implements Disposable {
  readonly #opened: OpenedModel;
  readonly #device: Device;
  readonly #kind: DeviceKind;
  readonly #lost: Promise<never>;
  #decoder: Promise<Decoder> | undefined;

  private constructor(opened: OpenedModel, device: Device, kind: DeviceKind) {
    this.#opened = opened;
    this.#device = device;
    this.#kind = kind;
    let isOpen = true;
    this.close = () => {
      isOpen = false;
      device.close();
    };
    this.#lost = new Promise((_, reject) =>
      device.lost.then((reason) =>
        // Closing a device also counts as a loss.
        isOpen && reject(new UserError("deviceLost", `The GPU was lost: ${reason}`))
      )
    );
    this.#lost.catch(() => {});
  }

  /** As `openModel`. */
  static async open(
    path: string,
    { which = "newest", device: kind = "auto", warn = () => {} }: OpenModelOptions = {},
  ): Promise<TrainedModel> {
    const opened = await openModel(path, { which, warn });
    const device = await openDeviceOf(kind, { runtime: Deno.version.deno });
    return new TrainedModel(opened, device, kind);
  }

  /** Frees the device. */
  readonly close: () => void;

  /** Path of the checkpoint, or of the exported folder. */
  get path(): string {
    return this.#opened.path;
  }

  /** Finished training steps; undefined when unrecorded. */
  get step(): number | undefined {
    return this.#opened.step;
  }

  /** The `model` part of its config. */
  get config(): ConfigSection {
    return this.#opened.model;
  }

  /** Context length T in tokens. */
  get context(): number {
    return this.#opened.context;
  }

  /** Distinct input tokens V. */
  get vocabulary(): number {
    return this.#opened.vocabulary;
  }

  /** Its tokenizer; undefined for a model of synthetic data. */
  get tokenizer(): ModelTokenizer | undefined {
    return this.#opened.tokenizer;
  }

  /**
   * Logits f32 [V] of the token behind `tokens`. Of more tokens than the context the last ones count.
   * @throws {RangeError} for no tokens, or one that is not below V.
   * @throws {UserError} `config` for a model that predicts no next token.
   */
  async logits(tokens: Iterable<number>): Promise<Float32Array> {
    const decoder = await this.#decoding();
    decoder.reset();
    return await this.#computed(decoder.feed(Uint32Array.from(tokens)));
  }

  /**
   * Continues a prompt, a text or tokens. The same seed gives the same text, that of
   * `deno task generate`.
   * @throws {UserError} `config` for a model that cannot continue texts, or an empty prompt where the
   * tokenizer has no token that ends documents.
   */
  async generate(
    prompt: string | Iterable<number>,
    options: GenerateOptions = {},
  ): Promise<Generated> {
    const { tokens = 200, seed = 1337, stop = [], onText = () => {}, signal } = options;
    const { temperature = 0.8, topK = 0, topP = 1, repetitionPenalty: penalty = 1 } = options;
    const tokenizer = textTokenizer(this.#opened);
    const first = typeof prompt === "string"
      ? promptTokens(prompt, tokenizer)
      : Uint32Array.from(prompt);
    const decoder = await this.#decoding();
    const row = new GenerationRow({
      key: rowKey(seed, 0),
      prompt: first,
      sampling: { temperature, topK, topP, penalty },
      tokens,
      stops: stop,
      stream: streamAfter(tokenizer, first),
      end: tokenizer.end,
    });
    const drawn: number[] = [];
    const logprobs: number[] = [];
    let text = "";
    const add = (part: string) => {
      text += part;
      if (part !== "") onText(part);
    };
    await this.#computed(drawRows(decoder, [row], {
      prompt: first,
      known: tokenizer.size,
      taken: (_, { id, logprob, text }) => {
        drawn.push(id);
        logprobs.push(logprob);
        add(text);
      },
      ended: (_, rest) => add(rest),
      ...signal && { signal },
    }));
    return {
      text,
      tokens: Uint32Array.from(drawn),
      logprobs: Float32Array.from(logprobs),
      ended: row.ended,
    };
  }

  /**
   * The loss on the validation part of the data of the model's run, or on other data: the validation
   * part of a prepared folder, or the whole of a text file. Every token is a target once.
   * @throws {UserError} `config` for options that the model's data does not have, `data` for data
   * without targets.
   */
  async evaluate(
    data?: string,
    { stride, signal, progress = () => {} }: EvaluateOptions = {},
  ): Promise<EvaluationResult> {
    const config = evaluationConfig(this.#opened, {
      data: data ?? null,
      stride: stride ?? null,
      workers: 1,
      gpus: null,
      device: this.#kind,
      maxUnknown: MAX_UNKNOWN,
    });
    const { corpus } = await evaluationData(this.#opened, config, data ?? null);
    requireEvaluable(config, corpus);
    const { params } = initialOf(config, this.#opened);
    const replica = new Replica(this.#device, { config, corpus });
    await this.#computed(replica.open({ trains: false }));
    const state = { model: params, optimizer: new Map() };
    for (const bucket of replica.layout.buckets.keys()) {
      const at = { vector: "param", bucket };
      replica.write("param", bucket, bucketOf(replica.layout, at, state));
    }
    const losses = await this.#computed(replica.evaluate(0, 1, {
      ...signal && { signal },
      moved: (done, total) => Promise.resolve(progress(done, total)),
    }));
    signal?.throwIfAborted();
    const { textOf } = sourceIn(config, corpus, rootKey(config.seed));
    const { loss, accuracy, terms, counted, texts } = evaluationOf([bytesOf(packLosses(losses))], {
      terms: replica.terms,
      among: Math.max(1, corpus.texts.length),
      ...textOf && { textOf },
    });
    return {
      loss,
      perplexity: Math.exp(texts.reduce((sum, { nats }) => sum + nats, 0) / counted),
      accuracy,
      terms,
      counted,
      texts: texts.map(({ total, counted }, i) => ({
        name: corpus.texts[i]?.name ?? config.data.source,
        loss: total / counted,
        counted,
      })),
    };
  }

  /** Frees the device. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The decoder of one row, made at first use. */
  #decoding(): Promise<Decoder> {
    return this.#decoder ??= this.#computed(this.#openDecoder());
  }

  async #openDecoder(): Promise<Decoder> {
    const { model, context, vocabulary, params } = this.#opened;
    const memory = this.#device.memory();
    const layout = holdParams(memory, { model, context, vocabulary }, params);
    const parts = { memory, layout, model, vocabulary, context, rows: 1 };
    return await Decoder.open(this.#device, parts);
  }

  /** Work on the device; rejects where the device is lost meanwhile. */
  #computed<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#lost]);
  }
}

/**
 * Opens a run, one of its checkpoints, or an exported model, on a device of this process.
 * @throws {UserError} `noInput` where there is none, `incompatible` where no checkpoint verifies,
 * `noDevice` without a GPU adapter.
 */
export function openTrainedModel(
  path: string,
  options: OpenModelOptions = {},
): Promise<TrainedModel> {
  return TrainedModel.open(path, options);
}
