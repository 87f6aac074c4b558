/** Reverse-mode differentiation of a trace. Each op brings its own rule; none stands here. */
import type { Call, Grad, Tensor } from "./types.ts";

/** How two gradients of one tensor become their sum. */
export type Add = (a: Tensor, b: Tensor) => Tensor;

/**
 * Gradients of a scalar `loss` with respect to `wanted`, traced behind the forward calls.
 * `seed` is the gradient of the loss itself; `add` sums two flows into one tensor.
 * @throws {RangeError} when an op on the way has no derivative.
 */
export function gradients(
  loss: Tensor,
  wanted: readonly Tensor[],
  { seed, add }: { seed: Tensor; add: Add },
): readonly Grad[] {
  return backpropagate(wanted, new Map([[loss, seed]]), { calls: loss.trace.calls, add });
}

/**
 * The same from flows that are known, over some of a trace's calls: gradients with respect to
 * `wanted`, a known one among them included.
 * @throws {RangeError} when an op on the way has no derivative.
 */
export function backpropagate(
  wanted: readonly Tensor[],
  known: ReadonlyMap<Tensor, Tensor>,
  { calls, add }: { calls: readonly Call<Tensor>[]; add: Add },
): readonly Grad[] {
  const forward = [...calls];
  const needed = reachedFrom(wanted, forward);
  const flows = new Map(known);
  for (const call of forward.reverse()) {
    const dout = call.outputs.map((t) => flows.get(t));
    if (dout.every((d) => d === undefined)) continue;
    if (!call.inputs.some((t) => needed.has(t))) continue;
    if (call.op.vjp === undefined) {
      throw new RangeError(`Cannot differentiate ${call.op.name}: it has no vjp`);
    }
    call.op.vjp(call, dout, call.attrs).forEach((flow, i) => {
      const input = call.inputs[i] as Tensor;
      if (flow === undefined || !needed.has(input)) return;
      const before = flows.get(input);
      flows.set(input, before === undefined ? flow : add(before, flow));
    });
  }
  return wanted.map((t) => flows.get(t));
}

/** Tensors that depend on one of `sources`, the sources included. */
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
