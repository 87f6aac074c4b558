/** Reverse-mode automatic differentiation of a trace, by the ops' own vjp rules. */
import type { Call, Grad, Tensor } from "./types.ts";

/** Traces the sum of two gradients of one tensor. */
export type Add = (a: Tensor, b: Tensor) => Tensor;

/**
 * Gradients of a scalar `loss` with respect to `wanted`, in that order; undefined where the loss
 * does not depend on a tensor. The backward calls are appended to the loss's trace. `seed` is the
 * gradient of the loss itself (ones, or a loss scale), `add` accumulates two gradients of one
 * tensor.
 * @throws {RangeError} when an op between them has no vjp.
 */
export function gradients(
  loss: Tensor,
  wanted: readonly Tensor[],
  { seed, add }: { seed: Tensor; add: Add },
): readonly Grad[] {
  return backpropagate(wanted, new Map([[loss, seed]]), { calls: loss.trace.calls, add });
}

/**
 * Backpropagates the `known` output gradients through some of a trace's calls: gradients with
 * respect to `wanted`, each including its known part.
 * @throws {RangeError} when an op between them has no vjp.
 */
export function backpropagate(
  wanted: readonly Tensor[],
  known: ReadonlyMap<Tensor, Tensor>,
  { calls, add }: { calls: readonly Call<Tensor>[]; add: Add },
): readonly Grad[] {
  const forward = calls.flatMap(differentiable);
  const needed = reachedFrom(wanted, forward);
  const grads = new Map(known);
  for (const call of forward.reverse()) {
    const dout = call.outputs.map((t) => grads.get(t));
    if (dout.every((d) => d === undefined)) continue;
    if (!call.inputs.some((t) => needed.has(t))) continue;
    if (call.op.vjp === undefined) {
      throw new RangeError(`Cannot differentiate ${call.op.name}: it has no vjp`);
    }
    call.op.vjp(call, dout, call.attrs).forEach((grad, i) => {
      const input = call.inputs[i] as Tensor;
      if (grad === undefined || !needed.has(input)) return;
      const before = grads.get(input);
      grads.set(input, before === undefined ? grad : add(before, grad));
    });
  }
  return wanted.map((t) => grads.get(t));
}

/** Tensors that depend on any of `sources`, including the sources. */
function reachedFrom(
  sources: readonly Tensor[],
  calls: readonly Call<Tensor>[],
): ReadonlySet<Tensor> {
  const reached = new Set(sources);
  for (const { inputs, outputs } of calls) {
    if (inputs.some((t) => reached.has(t))) outputs.forEach((t) => reached.add(t));
  }
  return reached;
}

/** The calls to differentiate: a composed op without a vjp stands for its parts. */
function differentiable(call: Call<Tensor>): readonly Call<Tensor>[] {
  return call.op.vjp === undefined && call.parts !== undefined
    ? call.parts.flatMap(differentiable)
    : [call];
}
