/** Which tensors of a trace another one depends on. Pure. */
import type { Tensor } from "./types.ts";

/** Tensors on which `result` depends, with itself; the derivative may be zero. */
export function dependenciesOf(result: Tensor): ReadonlySet<Tensor> {
  const needed = new Set([result]);
  for (const { inputs, outputs } of result.trace.calls.toReversed()) {
    if (outputs.some((t) => needed.has(t))) inputs.forEach((t) => needed.add(t));
  }
  return needed;
}
