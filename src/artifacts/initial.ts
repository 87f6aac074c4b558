/** Initializes a new run from an existing model: parameters, tokenizer, vocabulary. Pure. */
import { hashValue } from "../base/hash.ts";
import { UserError } from "../base/user_error.ts";
import type { NamedTensor } from "../checkpoint/tensors/tensor.ts";
import type { RunConfig } from "../config/schema.ts";
import type { Settled } from "../corpus/data.ts";
import type { OpenedModel } from "./model.ts";
import { shapeOf } from "../engine/plans.ts";

/** Name of the learned position table [T, D]. */
const POSITIONS = "positions.weight";

/**
 * Initial parameters of a run of `config`, and the tokenizer and vocabulary they require. A learned
 * position table longer than the run's sequence length is truncated.
 * @throws {UserError} `incompatible` when the config's model has another structure.
 */
export function initialOf(
  config: RunConfig,
  { path, model, params, tokenizer, vocabulary }: OpenedModel,
): { readonly settled: Settled; readonly params: ReadonlyMap<string, NamedTensor> } {
  if (hashValue(structure(config.model)) !== hashValue(structure(model))) {
    throw new UserError(
      "incompatible",
      `Cannot begin with ${path}: need its model ${JSON.stringify(model)}: the config asks for ` +
        JSON.stringify(config.model),
    );
  }
  const wanted = shapeOf(config, vocabulary).params;
  const taken = wanted.map(({ name, shape }) => {
    const tensor = params.get(name);
    const cut = tensor && name === POSITIONS ? head(tensor, shape) : tensor;
    if (cut !== undefined && cut.shape.join() === shape.join()) return cut;
    throw new UserError(
      "incompatible",
      `Cannot begin with ${path}: need ${name} [${shape.join(", ")}]: it has ` +
        (tensor === undefined ? "none" : `[${tensor.shape.join(", ")}]`),
    );
  });
  return {
    settled: { by: path, tokenizer, vocabulary },
    params: new Map(taken.map((tensor) => [tensor.name, tensor])),
  };
}

/** The part of a model config that determines its parameters: dropout and its module do not. */
function structure(model: OpenedModel["model"]): unknown {
  return { ...model, dropout: 0, shared_dropout: false, module: null, sha256: null };
}

/** The first rows of a table, at most `shape[0]`. */
function head(tensor: NamedTensor, [rows = 0]: readonly number[]): NamedTensor {
  const [all = 0, width = 0] = tensor.shape;
  if (rows >= all) return tensor;
  return { ...tensor, shape: [rows, width], data: tensor.data.subarray(0, rows * width) };
}
