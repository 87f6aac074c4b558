/** Loads named parameters of a file into device memory, for a model without a run. */
import { UserError } from "../base/user_error.ts";
import { sameShape, showShape } from "../base/shape.ts";
import type { NamedTensor } from "../checkpoint/tensors/tensor.ts";
import type { Memory } from "../device/types.ts";
import { addressIn } from "../plan/layout.ts";
import type { Layout } from "../plan/layout.ts";
import type { DecodedModel } from "./decode_plan.ts";
import { requireDecodable } from "./decodable/structure.ts";
import { decodedShape } from "./decode_plan.ts";
import { sizesOf } from "./plans.ts";

/**
 * Allocates the slots `param/<bucket>` and writes the model's parameters; returns their layout.
 * @throws {UserError} `data` naming the first parameter that is missing or has another shape, `config`
 * for a model of the user that cannot decode.
 */
export function holdParams(
  memory: Memory,
  model: DecodedModel,
  params: ReadonlyMap<string, Pick<NamedTensor, "shape" | "data">>,
): Layout {
  requireDecodable(model);
  const { params: wanted, layout } = decodedShape(model);
  for (const { name, shape } of wanted) {
    const got = params.get(name)?.shape;
    if (got !== undefined && sameShape(got, shape)) continue;
    throw new UserError(
      "data",
      `Cannot load parameter ${name}: the model needs ${showShape(shape)}: ` +
        (got === undefined ? "it is missing" : showShape(got)),
    );
  }
  for (const [slot, size] of Object.entries(sizesOf(layout, "param"))) memory.ensure(slot, size);
  for (const { name } of wanted) {
    const { slot, offset } = addressIn(layout, "param", name);
    memory.write(slot, (params.get(name) as NamedTensor).data, offset);
  }
  return layout;
}
