/** Continues a prompt token by token. It knows no tokenizer and no model. */
import { threefry, unit } from "../src/base/random.ts";
import type { Key } from "../src/base/random.ts";
import type { Memory, Program } from "../src/device/types.ts";
import { draw } from "./draw.ts";

/** What samples are drawn with. */
export interface Sampler {
  readonly memory: Memory;
  /** Gives the logits [1, T, V] of one window. */
  readonly program: Program;
  /** Tokens T of a window. */
  readonly window: number;
  /** V. */
  readonly vocabulary: number;
  readonly key: Key;
}

/** Continues `prompt` by `length` tokens, drawn at `temperature`, until aborted. */
export async function sampleTokens(
  { memory, program, window, vocabulary, key }: Sampler,
  prompt: readonly number[],
  { length, temperature, signal }: { length: number; temperature: number; signal?: AbortSignal },
): Promise<number[]> {
  const tokens = [...prompt];
  for (let i = 0; i < length && !signal?.aborted; i++) {
    const context = tokens.slice(-window);
    const inputs = new Uint32Array(window);
    inputs.set(context);
    memory.write("sampling/inputs", inputs);
    program.run();
    const offset = (context.length - 1) * vocabulary;
    const logits = await memory.read([{ slot: "logits", offset, length: vocabulary }]);
    tokens.push(draw(logits, { temperature, u: unit(threefry(key, i, 0)[0]) }));
  }
  return tokens.slice(prompt.length);
}
