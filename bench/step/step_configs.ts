/** Configs whose steps are timed. */
import gptChar from "../../configs/gpt_char.ts";
import lstmChar from "../../configs/lstm_char.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunConfig, RunInput } from "../../src/config/schema.ts";

/** The configs that are timed everywhere. */
export function stepConfigs(): RunConfig[] {
  const larger = {
    ...gptChar,
    name: "gpt_4x128",
    model: { ...gptChar.model, layers: 4, width: 128, heads: 4 },
    data: { ...gptChar.data, seq_len: 128 },
  };
  const recurrent: RunInput = {
    ...lstmChar,
    name: "lstm_2x128",
    micro_batches: 1,
    micro_batch_size: 16,
    model: { kind: "recurrent", cell: "lstm", layers: 2, width: 128 },
  };
  return [gptChar, larger, recurrent].map((input) => resolveConfig(input));
}

/** Additional configs on GPUs: the sizes of nanoGPT's shakespeare_char, and a wide LSTM. */
export function gpuConfigs(): RunConfig[] {
  const gpt: RunInput = {
    ...gptChar,
    name: "gpt_6x384",
    micro_batches: 1,
    micro_batch_size: 64,
    model: { kind: "gpt", layers: 6, width: 384, heads: 6, tie_embeddings: true },
    data: { ...gptChar.data, seq_len: 256 },
  };
  const recurrent: RunInput = {
    ...lstmChar,
    name: "lstm_2x512",
    micro_batches: 1,
    micro_batch_size: 32,
    model: { kind: "recurrent", cell: "lstm", layers: 2, width: 512 },
  };
  return [gpt, recurrent].map((input) => resolveConfig(input));
}
