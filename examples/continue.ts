/**
 * Continues many prompts in batches with a trained model, each as `generate` with the same flags
 * would.
 */
import { warn } from "../src/base/text/say.ts";
import { openDevice } from "../src/cli/device.ts";
import { textTokenizer } from "../src/artifacts/text_model.ts";
import type { Sampling } from "../src/generate/draw.ts";
import { GenerationRow } from "../src/generate/row.ts";
import { rowKey } from "../src/generate/uniform.ts";
import { Decoder } from "../src/engine/decoder.ts";
import { holdParams } from "../src/engine/load_params.ts";
import { openModel } from "../src/artifacts/model.ts";

/** Batch size. */
const ROWS = 16;

/** How prompts are continued. */
export interface ContinueOptions {
  /** Maximum tokens of a continuation. */
  readonly tokens: number;
  /** Stop text, excluded. */
  readonly stop?: string;
  /** Default: greedy. */
  readonly sampling?: Sampling;
}

/** Continues non-empty prompts, in order; draws depend on the index of a prompt. */
export type Continue = (prompts: readonly string[], options: ContinueOptions) => Promise<string[]>;

/** Opens the model of a folder on the machine's GPU. @throws {UserError} */
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

/** Batches of prompt indices: at most ROWS prompts of equal length. */
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

/** Concatenates rows to a batch; missing rows repeat the first one. */
function sideBySide(rows: readonly Uint32Array[]): Uint32Array {
  const [first = new Uint32Array()] = rows;
  const out = new Uint32Array(ROWS * first.length);
  for (let r = 0; r < ROWS; r++) out.set(rows[r] ?? first, r * first.length);
  return out;
}
