/**
 * Continues many prompts with a trained model side by side, each as `generate` with the same flags
 * would. Knows nothing of what the texts are about.
 */
import { warn } from "../src/base/text/say.ts";
import { openDevice } from "../src/cli/device.ts";
import { textTokenizer } from "../src/cli/generate/text_model.ts";
import type { Sampling } from "../src/generate/draw.ts";
import { GenerationRow } from "../src/generate/row.ts";
import { rowKey } from "../src/generate/uniform.ts";
import { Decoder } from "../src/engine/decoder.ts";
import { holdParams } from "../src/engine/load_params.ts";
import { openModel } from "../src/artifacts/model.ts";

/** Prompts that are read side by side. */
const ROWS = 16;

/** How prompts are continued. */
export interface ContinueOptions {
  /** Most tokens of a continuation. */
  readonly tokens: number;
  /** The text that each ends before. */
  readonly stop?: string;
  /** The likeliest token each time unless told. */
  readonly sampling?: Sampling;
}

/** Continuations of prompts that are not empty, in their order; draws depend on their places. */
export type Continue = (prompts: readonly string[], options: ContinueOptions) => Promise<string[]>;

/** Opens the model of a folder on the machine's GPU. @throws {Refusal} */
export async function openContinue(path: string): Promise<Continue> {
  const opened = await openModel(path, { warn });
  const { model, context, vocabulary, params } = opened;
  const tokenizer = textTokenizer(opened);
  const device = await openDevice("auto");
  const memory = device.memory();
  const layout = holdParams(memory, { model, context, vocabulary }, params);
  const parts = { memory, layout, model, vocabulary, context, rows: ROWS };
  const decoder = await Decoder.open(device, parts);

  /** Continues at most ROWS prompts of equal length. */
  async function together(
    rows: readonly GenerationRow[],
    prompts: readonly Uint32Array[],
  ): Promise<string[]> {
    const texts = rows.map(() => "");
    decoder.reset();
    let next = sideBySide(prompts);
    while (rows.some(({ ended }) => ended === undefined)) {
      const logits = await decoder.feed(next);
      for (const [r, row] of rows.entries()) {
        if (row.ended !== undefined) continue;
        const from = r * vocabulary;
        texts[r] += row.take(logits.subarray(from, from + vocabulary), tokenizer.size).text;
        if (row.ended !== undefined) texts[r] += row.finish();
      }
      next = sideBySide(rows.map(({ last }) => Uint32Array.of(last)));
    }
    return texts;
  }

  return async (prompts, { tokens, stop, sampling = { temperature: 0 } }) => {
    const encoded = prompts.map((prompt) => tokenizer.encode(prompt));
    const rows = encoded.map((prompt, i) =>
      new GenerationRow({
        key: rowKey(0, i),
        prompt,
        sampling,
        tokens,
        stops: stop === undefined ? [] : [stop],
        end: tokenizer.end,
        stream: tokenizer.stream(),
      })
    );
    const texts: string[] = [];
    for (const places of batches(encoded)) {
      const at = <T>(list: readonly T[]) => places.map((i) => list[i] as T);
      const got = await together(at(rows), at(encoded));
      places.forEach((i, r) => texts[i] = got[r] as string);
    }
    return texts;
  };
}

/** Places of prompts that can be read side by side: of equal length, and not too many. */
function batches(prompts: readonly Uint32Array[]): number[][] {
  const places = Array.from(prompts.keys());
  const alike = Map.groupBy(places, (i) => prompts[i]?.length).values();
  return Array.from(alike).flatMap((of) =>
    Array.from(
      { length: Math.ceil(of.length / ROWS) },
      (_, b) => of.slice(b * ROWS, (b + 1) * ROWS),
    )
  );
}

/** Rows one behind the other; the first stands in for those that there are too few of. */
function sideBySide(rows: readonly Uint32Array[]): Uint32Array {
  const [first = new Uint32Array()] = rows;
  const out = new Uint32Array(ROWS * first.length);
  for (let r = 0; r < ROWS; r++) out.set(rows[r] ?? first, r * first.length);
  return out;
}
