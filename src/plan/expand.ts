/**
 * Expands composed calls to their parts. A call with kernels of its own stays, behind it the parts
 * whose intermediate results a derivative may read; unread ones are pruned later.
 */
import type { Call, Tensor } from "../graph/types.ts";

/**
 * `calls` with composed ones expanded, in order.
 * @throws {RangeError} when the parts of a call that has kernels update a tensor in place: they may
 * run besides the kernels.
 */
export function expand(calls: readonly Call<Tensor>[]): Call<Tensor>[] {
  return calls.flatMap((call) => {
    const { op, parts } = call;
    if (parts === undefined) return [call];
    const expanded = expand(parts);
    return op.isExpanded ? expanded : [call, ...expanded.map((part) => besides(call, part))];
  });
}

/** A part that leaves the outputs of `call` to its kernels, and writes copies of them instead. */
function besides({ op, outputs: made }: Call<Tensor>, part: Call<Tensor>): Call<Tensor> {
  if (part.op.donate?.(part.attrs).some((from) => from !== undefined)) {
    throw new RangeError(
      `Cannot expand ${op.name}: need parts without updates in place: ${part.op.name} has one`,
    );
  }
  return { ...part, outputs: part.outputs.map((t) => made.includes(t) ? { ...t } : t) };
}
