/** Continues a prompt token by token. It knows no tokenizer and no model. */
import type { Key } from "../base/random.ts";
import { drawToken } from "../generate/draw.ts";
import { uniformAt } from "../generate/uniform.ts";
import type { Decoder } from "./decoder.ts";

/** What samples are drawn with. */
export interface Sampler {
  /** Of one row. */
  readonly decoder: Decoder;
  readonly key: Key;
}

/** How a sample is drawn. */
export interface SampleOptions {
  /** Tokens to draw. */
  readonly length: number;
  readonly temperature: number;
  /** How many of the V tokens may be drawn, the first ones; all unless told. */
  readonly known?: number;
  readonly signal?: AbortSignal;
  /** Hears of each token. */
  readonly moved?: () => Promise<void>;
}

/** Continues `prompt` by `length` tokens, drawn at `temperature`, until aborted. */
export async function sampleTokens(
  { decoder, key }: Sampler,
  prompt: readonly number[],
  { length, temperature, known, signal, moved }: SampleOptions,
): Promise<number[]> {
  decoder.reset();
  const tokens: number[] = [];
  let next = Uint32Array.from(prompt);
  for (let i = 0; i < length && !signal?.aborted; i++) {
    const logits = await decoder.feed(next);
    await moved?.();
    const { id } = drawToken(logits, { temperature, known, u: uniformAt(key, i) });
    tokens.push(id);
    next = Uint32Array.of(id);
  }
  return tokens;
}
