/**
 * Incremental decoding: feeds tokens to a model with a key-value cache over a sliding window, or
 * with recurrent states. Parameters are only read.
 */
import { sizeOf } from "../base/shape.ts";
import type { Device, Memory, Program } from "../device/types.ts";
import { isUserModel } from "../models/mod.ts";
import type { Layout } from "../plan/layout.ts";
import { requireSameLogits } from "./decodable/same_logits.ts";
import type { DecodedModel, Decoding } from "./decode_plan.ts";
import { DECODE, decodePlan } from "./decode_plan.ts";
import { cutIntoChunks, largestChunk, slide } from "./decode_window.ts";

/** What a decoder needs. */
export interface DecoderParts extends DecodedModel {
  /** Has the parameters in slots `param/<bucket>`; may belong to a replica in training. */
  readonly memory: Memory;
  /** Layout of the parameters. */
  readonly layout: Layout;
  /** Rows decoded in parallel. */
  readonly rows: number;
}

/**
 * Tokens for which the logits of a user's model are compared: in longer windows, the rounding errors
 * of a recurrence may grow beyond any tolerance.
 */
const COMPARED = 16;

/** Decoders opened per memory: each has its own slots. */
const opened = new WeakMap<Memory, number>();

/** Feeds tokens to a model and returns the logits of the next one. One call at a time. */
export class Decoder {
  readonly rows: number;
  readonly context: number;
  readonly #device: Device;
  readonly #parts: DecoderParts;
  readonly #prefix: string;
  readonly #single: Decoding;
  readonly #programs = new Map<number, Program>();
  /** Tokens of the window, per row; empty for recurrent models. */
  #window: readonly Uint32Array[] = [];
  #position = 0;
  #slides = 0;

  private constructor(device: Device, parts: DecoderParts, prefix: string) {
    this.rows = parts.rows;
    this.context = parts.context;
    this.#device = device;
    this.#parts = parts;
    this.#prefix = prefix;
    this.#single = this.#plan(1);
  }

  /**
   * Loads the plan of a single token. @throws {UserError} `config` for a bidirectional model, and for
   * one of the user whose logits differ when it decodes.
   */
  static async open(device: Device, parts: DecoderParts): Promise<Decoder> {
    const { memory, rows, context } = parts;
    for (const [name, size] of Object.entries({ rows, context })) {
      if (Number.isInteger(size) && size > 0) continue;
      throw new RangeError(`Cannot decode: ${name} must be a positive integer: ${size}`);
    }
    const number = opened.get(memory) ?? 0;
    const decoder = new Decoder(device, parts, `decode/${number}/`);
    opened.set(memory, number + 1);
    const most = largestChunk(context);
    memory.ensure(decoder.#prefix + DECODE.tokens, rows * most);
    memory.ensure(decoder.#prefix + DECODE.positions, most);
    await decoder.#load(1);
    decoder.reset();
    if (isUserModel(parts.model)) {
      await requireSameLogits(device, { ...parts, decoder, compared: Math.min(context, COMPARED) });
      decoder.reset();
    }
    return decoder;
  }

  /** Tokens in the window, per row; for a recurrent model all tokens since the reset. */
  get position(): number {
    return this.#position;
  }

  /** How often the window slid since the reset; 0 for a recurrent model. */
  get slides(): number {
    return this.#slides;
  }

  /** Clears window and states. */
  reset(): void {
    this.#window = Array.from({ length: this.rows }, () => new Uint32Array());
    this.#position = 0;
    this.#slides = 0;
    this.#clearStates();
  }

  #clearStates(): void {
    for (const { name, tensor: { shape } } of this.#single.carries) {
      this.#parts.memory.write(this.#prefix + name, new Float32Array(sizeOf(shape)));
    }
  }

  /** Loads the plans for the first `count` tokens, so that feeding them compiles nothing. */
  async prepare(count: number): Promise<void> {
    const { length } = this.#single.windowed
      ? slide({ length: 0, count, context: this.context })
      : { length: count };
    for (const chunk of cutIntoChunks(length, this.context)) await this.#load(chunk);
  }

  /**
   * Feeds tokens [rows, n], n at least 1; returns the logits [rows, V] after the last one. A full
   * window slides first: it keeps its last three quarters and is recomputed.
   * @throws {RangeError} unless they are rows of tokens below V.
   */
  async feed(tokens: Uint32Array): Promise<Float32Array> {
    const { memory, vocabulary } = this.#parts;
    const count = this.#countOf(tokens);
    const length = this.#position;
    const after = this.#single.windowed
      ? slide({ length, count, context: this.context })
      : { length: length + count, slides: 0 };
    const rows = Array.from(
      { length: this.rows },
      (_, row) => tokens.subarray(row * count, (row + 1) * count),
    );
    const windows = this.#single.windowed
      ? rows.map((row, r) => lastOf(this.#window[r] as Uint32Array, row, after.length))
      : rows;
    // After the window slides, recompute it from position 0, and recurrent states from zero.
    const first = after.slides > 0 ? 0 : length;
    const chunks = cutIntoChunks(after.length - first, this.context);
    for (const chunk of chunks) await this.#load(chunk);
    this.#window = this.#single.windowed ? windows : this.#window;
    this.#position = after.length;
    this.#slides += after.slides;
    if (after.slides > 0) this.#clearStates();
    let position = first;
    for (const chunk of chunks) {
      const at = this.#single.windowed ? position : position - first;
      this.#run(windows.map((row) => row.subarray(at, at + chunk)), position);
      position += chunk;
    }
    return await memory.read([{
      slot: this.#prefix + DECODE.logits,
      offset: 0,
      length: this.rows * vocabulary,
    }]);
  }

  #run(rows: readonly Uint32Array[], position: number): void {
    const { memory } = this.#parts;
    const count = rows[0]?.length ?? 0;
    const inputs = new Uint32Array(this.rows * count);
    rows.forEach((row, r) => inputs.set(row, r * count));
    memory.write(this.#prefix + DECODE.tokens, inputs);
    const positions = Uint32Array.from({ length: count }, (_, i) => position + i);
    if (this.#single.windowed) memory.write(this.#prefix + DECODE.positions, positions);
    this.#programs.get(count)?.run();
  }

  #countOf(tokens: Uint32Array): number {
    const count = tokens.length / this.rows;
    if (count === 0 || !Number.isInteger(count)) {
      throw new RangeError(
        `Cannot feed tokens: need as many for each of ${this.rows} rows, and some: ` +
          `${tokens.length}`,
      );
    }
    const wrong = tokens.find((token) => token >= this.#parts.vocabulary);
    if (wrong !== undefined) {
      throw new RangeError(
        `Cannot feed tokens: need numbers below ${this.#parts.vocabulary}: ${wrong}`,
      );
    }
    return count;
  }

  #plan(count: number): Decoding {
    const { layout, rows } = this.#parts;
    return decodePlan(this.#parts, { rows, count, layout, prefix: this.#prefix });
  }

  async #load(count: number): Promise<void> {
    if (this.#programs.has(count)) return;
    const { plan } = count === 1 ? this.#single : this.#plan(count);
    this.#programs.set(count, await this.#device.load(plan, this.#parts.memory));
  }
}

/** The last `length` tokens of the concatenation of `before` and `after`. */
function lastOf(before: Uint32Array, after: Uint32Array, length: number): Uint32Array {
  const all = new Uint32Array(before.length + after.length);
  all.set(before);
  all.set(after, before.length);
  return all.slice(all.length - length);
}
