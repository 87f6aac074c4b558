/** The window of a model of pairs: a source, and the target that the model writes for it. */
import type { OpenedModel } from "../../artifacts/model.ts";
import type { PromptWords } from "../../artifacts/prompt_words.ts";
import { SIDE_END, SIDE_PAD } from "../../data/pairs/encode.ts";
import type { Device } from "../../device/types.ts";
import { openPairModel } from "../../engine/targets/pair_model.ts";
import { writeTargets } from "../../engine/targets/write.ts";

/** The source of a prompt, and its target behind a start, as the model's decoder reads it. */
export async function pairWords(
  prompt: string,
  opened: OpenedModel,
  device: Device,
): Promise<PromptWords> {
  const pairs = await openPairModel(device, opened, 1);
  const { writer, tokenizer, end } = pairs;
  const source = pairs.sourceOf(prompt);
  const [target = []] = await writeTargets(writer, [source], {
    writing: { beams: 1, lengthPenalty: 1, end },
    // The start takes a place of the window.
    most: opened.context - 1,
  });
  const start = tokenizer.special?.(SIDE_PAD) as number;
  const names = new Map([[start, SIDE_PAD], [end, SIDE_END]]);
  const textOf = (id: number) => names.get(id) ?? tokenizer.decode([id]);
  return {
    tokens: Uint32Array.from([start, ...target]),
    source,
    textOf,
    classOf: textOf,
    asked: target.length,
  };
}
