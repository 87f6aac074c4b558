/**
 * Tokens per second of generation: a decoder with caches, against the same model computing its
 * whole window for every token. Rounds of the two alternate, so that their ratio survives a noisy
 * machine. Greedy sampling, so that sampling costs almost nothing.
 */
import type { Device } from "../../src/device/types.ts";
import type { ModelConfig } from "../../src/models/mod.ts";
import { modelSchema } from "../../src/models/mod.ts";
import { fullLogits, type HeldModel, openFull } from "../../src/engine/whole/whole_window.ts";
import { someParams } from "../../src/testing/full_window.ts";
import { Decoder } from "../../src/engine/decoder.ts";
import { holdParams } from "../../src/engine/load_params.ts";
import { openBenchDevice, shownName } from "../device.ts";
import type { Report } from "../report.ts";
import { fixed } from "../table.ts";
import type { Filter } from "../filter.ts";
import { median, secondsOf } from "../time.ts";

const VOCABULARY = 96;
const ROUNDS = 3;
/** The first token of every text. */
const START = 1;

/** The rows. */
const MODELS: Readonly<Record<string, ModelConfig>> = {
  "gpt, 4 layers of width 128": modelSchema.parse({ kind: "gpt", layers: 4, width: 128, heads: 4 }),
  "lstm, 2 layers of width 128": modelSchema.parse({ kind: "recurrent", layers: 2, width: 128 }),
};

/** Logits after the last of `tokens`. */
type Next = (tokens: readonly number[]) => Promise<Float32Array>;

/** Times every model whose name contains `filter`, at a context of `context` tokens. */
export async function benchGenerate(
  { filter, doing, device: kind = "auto", context = 256 }: Filter & { readonly context?: number },
): Promise<Report> {
  const device = await openBenchDevice(kind);
  const filling = [["model", "tok/s", "whole window tok/s", "ratio"]];
  const sliding = [["model", "tok/s", "slides", "prompt tok/s"]];
  for (const [name, model] of Object.entries(MODELS)) {
    if (!name.includes(filter)) continue;
    doing?.(name);
    const held = { model, vocabulary: VOCABULARY, context };
    const parts = { ...held, params: someParams(held) };
    const decoder = await decoderOf(device, parts);
    const both = [remembering(decoder), await computingAll(device, parts)] as const;
    await requireEqual(device, parts, decoder);
    for (const next of both) await generate(next, [START], 2);
    const seconds: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      for (const [k, next] of both.entries()) {
        decoder.reset();
        seconds[k]?.push(await secondsOf(() => generate(next, [START], context)));
      }
    }
    const [ours, theirs] = seconds.map((laps) => context / median(laps)) as [number, number];
    filling.push([name, fixed(ours), fixed(theirs), fixed(ours / theirs)]);
    sliding.push([name, ...await pastTheContext(decoder)]);
  }
  device.close();
  return {
    what: "generate",
    adapter: shownName(device),
    sections: [{
      title: `Generation of ${context} tokens, from the first to a full context`,
      table: filling,
      notes: [
        `Whole window: all ${context} positions are computed for every token, as without a memory`,
        `Median of ${ROUNDS} rounds; before, the last logits of both were found equal to 1e-4`,
      ],
    }, {
      title: `Past the context: ${context} tokens behind a prompt of ${context}`,
      table: sliding,
      notes: ["After the window slides, its last three quarters are recomputed"],
    }],
  };
}

async function decoderOf(device: Device, parts: HeldModel): Promise<Decoder> {
  const memory = device.memory();
  const layout = holdParams(memory, parts, parts.params);
  return await Decoder.open(device, { ...parts, memory, layout, rows: 1 });
}

function remembering(decoder: Decoder): Next {
  return (tokens) => decoder.feed(Uint32Array.from(tokens.slice(-1)));
}

async function computingAll(device: Device, parts: HeldModel): Promise<Next> {
  const { vocabulary, context } = parts;
  const full = await openFull(device, parts, { rows: 1, time: context });
  const inputs = new Uint32Array(context);
  return (tokens) => {
    inputs.set(tokens);
    return full(inputs, { first: (tokens.length - 1) * vocabulary, length: vocabulary });
  };
}

/** Generates from `tokens` up to `length` tokens, then computes the logits once more. */
async function generate(next: Next, tokens: number[], length: number): Promise<void> {
  for (;;) {
    const logits = await next(tokens);
    if (tokens.length === length) return;
    tokens.push(logits.indexOf(logits.reduce((a, b) => Math.max(a, b))));
  }
}

/** Tokens per second with a full window, number of slides, and prompt tokens per second. */
async function pastTheContext(decoder: Decoder): Promise<string[]> {
  const prompt = Uint32Array.from({ length: decoder.context }, (_, i) => i % VOCABULARY);
  const read: number[] = [];
  const drawn: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    decoder.reset();
    read.push(await secondsOf(() => decoder.feed(prompt)));
    drawn.push(
      await secondsOf(() => generate(remembering(decoder), [START], decoder.context)),
    );
  }
  // The first round loads programs.
  const speed = (laps: readonly number[]) => fixed(decoder.context / median(laps.slice(1)));
  return [speed(drawn), String(decoder.slides), speed(read)];
}

/** @throws {Error} when cached decoding and the full window disagree. */
async function requireEqual(device: Device, parts: HeldModel, decoder: Decoder): Promise<void> {
  const { context, vocabulary } = parts;
  const tokens = Uint32Array.from({ length: context }, (_, i) => (7 * i) % vocabulary);
  const want = (await fullLogits(device, parts, { tokens, rows: 1 })).slice(-vocabulary);
  decoder.reset();
  const got = await decoder.feed(tokens);
  const largest = want.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  const off = want.reduce((m, v, i) => Math.max(m, Math.abs(v - (got[i] as number))), 0);
  if (off <= 1e-4 * largest) return;
  throw new Error(`Cannot compare: logits differ by ${off}, the largest is ${largest}`);
}
