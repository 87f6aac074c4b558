/** Results of PyTorch as torch_*.json in folders of tests/golden keep them; each file says how made. */
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

/** Reads tests/golden/<folder>/torch_<name>.json; the folder of cells by default. */
export async function readTorch<T extends TorchGolden>(name: string, folder = "cells"): Promise<T> {
  const path = new URL(`../../golden/${folder}/torch_${name}.json`, import.meta.url);
  return JSON.parse(await Deno.readTextFile(path));
}
