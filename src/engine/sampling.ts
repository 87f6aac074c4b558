/** Samples a continuation of a prompt, token by token. */
import type { Key } from "../base/random.ts";
import { drawToken } from "../generate/draw.ts";
import { uniformAt } from "../generate/uniform.ts";
import type { Decoder } from "./decoder.ts";

/** Decoder and random key. */
export interface Sampler {
  /** A decoder of one row. */
  readonly decoder: Decoder;
  readonly key: Key;
}

/** Sampling options. */
export interface SampleOptions {
  /** Tokens to draw. */
  readonly length: number;
  readonly temperature: number;
  /** Restricts sampling to the first `known` of the V tokens. Default: all. */
  readonly known?: number;
  readonly signal?: AbortSignal;
  /** Called after each token. */
  readonly moved?: () => Promise<void>;
}

/** Samples `length` tokens after `prompt`, at `temperature`; fewer if aborted. */
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
