/** Parameters for models that are compared over whole windows. */
import type { NamedTensor } from "../checkpoint/tensors/tensor.ts";
import type { DecodedModel } from "../engine/decode_plan.ts";
import { decodedShape } from "../engine/decode_plan.ts";
import { someValues } from "./some_values.ts";

/** Parameters of a model that are far from special, by name. */
export function someParams(model: DecodedModel): Map<string, NamedTensor> {
  return new Map(
    decodedShape(model).params.map((param) => {
      const { name, shape } = param;
      return [name, { name, shape, data: someValues(param) }];
    }),
  );
}
