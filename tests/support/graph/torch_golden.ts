/** Results of PyTorch modules as tests/golden/cells/torch_*.json keep them; each file says how made. */
import type { Shape } from "../../../src/base/shape.ts";

/** A tensor's shape and its elements in row-major order. */
export interface Numbers {
  readonly shape: Shape;
  readonly data: readonly number[];
}

/** Tensors by their names in PyTorch. */
export type Tensors = Readonly<Record<string, Numbers>>;

/** A module's parameters and inputs, what it gave, and the gradients of a weighted sum of that. */
export interface TorchGolden {
  readonly about: string;
  readonly torch: string;
  readonly python: string;
  /** Parameters, x, h0 and perhaps c0. */
  readonly given: Tensors;
  /** Weights of the results in the loss. */
  readonly weighting: Tensors;
  /** y, hT and perhaps cT. */
  readonly results: Tensors;
  /** Of all that was given. */
  readonly gradients: Tensors;
}

/** Reads tests/golden/cells/torch_<name>.json. */
export async function readTorch(name: string): Promise<TorchGolden> {
  const path = new URL(`../../golden/cells/torch_${name}.json`, import.meta.url);
  return JSON.parse(await Deno.readTextFile(path));
}
