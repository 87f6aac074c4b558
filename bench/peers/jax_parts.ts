/** Layers in jax-js that models share. What a function is given it consumes, as the library asks. */
import { nn, numpy as np } from "@jax-js/jax";

/** Parameters by name. A model takes each of them once. */
export type Params = Record<string, np.Array>;

/** The parameter `name`. @throws {RangeError} when there is none. */
export function take(params: Params, name: string): np.Array {
  const found = params[name];
  if (found === undefined) throw new RangeError(`Cannot take ${name}: there is no such parameter`);
  return found;
}

/** x W + b over the last axis. */
export function linear(p: Params, name: string, x: np.Array): np.Array {
  return np.add(np.matmul(x, take(p, `${name}.weight`)), take(p, `${name}.bias`));
}

/** Layer normalisation over the last axis. */
export function layerNorm(p: Params, name: string, x: np.Array): np.Array {
  return normalise(x, take(p, `${name}.weight`), take(p, `${name}.bias`));
}

/** The same with its parameters at hand. */
export function normalise(x: np.Array, weight: np.Array, bias: np.Array): np.Array {
  return np.add(np.multiply(nn.standardize(x, -1, { epsilon: 1e-5 }), weight), bias);
}

/**
 * Rows of a table [V, D] by ids [B, T]: [B T, D]. A matmul by one-hot rows, since the gradient of a
 * lookup cannot be part of a traced step ("routine primitive scatter input is not imm").
 */
export function rowsOf(table: np.Array, ids: np.Array, V: number): np.Array {
  return np.matmul(nn.oneHot(ids.reshape([-1]), V), table);
}

/** Mean cross-entropy of logits [R, V] and targets [B, T]. */
export function nextTokenLoss(logits: np.Array, targets: np.Array, V: number): np.Array {
  const picked = np.multiply(nn.logSoftmax(logits, -1), nn.oneHot(targets.reshape([-1]), V));
  return np.mean(np.sum(picked, -1)).neg();
}
