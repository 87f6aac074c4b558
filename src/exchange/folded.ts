/**
 * A transformer with width multipliers as the standard one that gives the same logits: other
 * programs know no multipliers, so they go into parameters. It knows no layout of theirs.
 */
import type { NamedTensor } from "../checkpoint/tensors/tensor.ts";
import type { GptConfig } from "../models/gpt.ts";
import { widthFactors } from "../models/width_transfer.ts";
import type { Portable } from "./types.ts";

/** The last norm, whose output the head reads, tied or not. */
const NORM = /^norm\.(weight|bias)$/;
/** Projections to queries, keys and values, along their last axis in this order. */
const PACKED = /^blocks\.\d+\.qkv\.(weight|bias)$/;

/**
 * The same model in standard parametrisation. The factor of the logits goes into the last norm, what
 * scores are divided by into the queries; exact where the factors are powers of two, else each of
 * those parameters is rounded once. Other parameters are the same arrays.
 */
export function folded(portable: Portable<GptConfig>): Portable<GptConfig> {
  const { model, params } = portable;
  if (model.mup_base_width === null) return portable;
  const { width, heads } = model;
  const { logits, divisor } = widthFactors(model);
  const root = Math.sqrt(width / heads);
  const query = divisor === undefined ? 1 : root / divisor;
  const fold = (tensor: NamedTensor): NamedTensor => {
    const { name, data } = tensor;
    const factor = (i: number) =>
      NORM.test(name) ? logits : PACKED.test(name) && i % (3 * width) < width ? query : 1;
    return NORM.test(name) || PACKED.test(name)
      ? { ...tensor, data: data.map((x, i) => x * factor(i)) }
      : tensor;
  };
  return {
    ...portable,
    model: { ...model, mup_base_width: null, mup_base_heads: null },
    params: new Map([...params].map(([name, tensor]) => [name, fold(tensor)])),
  };
}
