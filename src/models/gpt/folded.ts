/**
 * Folds muP width multipliers into the parameters of a transformer for export, because other
 * programs do not have such multipliers. The logits stay the same.
 */
import type { NamedTensor } from "../../checkpoint/tensors/tensor.ts";
import type { GptConfig } from "./schema.ts";
import { widthFactors } from "./width_transfer.ts";
import type { Portable } from "../../exchange/types.ts";

/** The final norm, whose output feeds the head. */
const NORM = /^norm\.(weight|bias)$/;
/** Projections to queries, keys and values, concatenated in this order along the last axis. */
const PACKED = /^blocks\.\d+\.qkv\.(weight|bias)$/;

/**
 * The same model in standard parametrisation. The logit factor is folded into the final norm, the
 * divisor of attention scores into the queries. Exact if the factors are powers of two, else one
 * rounding per parameter. Other parameters share their arrays.
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
