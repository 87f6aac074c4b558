/**
 * Calls whose output is a view of their input: the same elements in the same order under another
 * shape, which need no copy where both may have one address.
 */
import type { Call, Tensor } from "../graph/types.ts";

/** The tensor that each view reads; a view of a view reads the first tensor. */
export type Views = ReadonlyMap<Tensor, Tensor>;

/**
 * Views among the outputs of `calls`. A call stays a copy when its output is a result, which has an
 * address of its own, or when an update in place overwrites what it reads, or the output.
 */
export function viewsOf(calls: readonly Call<Tensor>[], results: ReadonlySet<Tensor>): Views {
  const all = basesOf(calls, ({ outputs }) => !results.has(outputs[0] as Tensor));
  const updated = new Set(
    calls.flatMap(({ op, attrs, inputs }) =>
      (op.donate?.(attrs) ?? []).flatMap((from) => {
        const input = from === undefined ? undefined : inputs[from];
        return input === undefined ? [] : [all.get(input) ?? input];
      })
    ),
  );
  return basesOf(calls, ({ outputs: [view] }) => {
    const base = all.get(view as Tensor);
    return base !== undefined && !updated.has(base);
  });
}

/** Bases of the outputs of view calls that `keeps` accepts. */
function basesOf(
  calls: readonly Call<Tensor>[],
  keeps: (call: Call<Tensor>) => boolean,
): Map<Tensor, Tensor> {
  const bases = new Map<Tensor, Tensor>();
  for (const call of calls) {
    if (!call.op.isView || !keeps(call)) continue;
    const [input, view] = [call.inputs[0] as Tensor, call.outputs[0] as Tensor];
    bases.set(view, bases.get(input) ?? input);
  }
  return bases;
}
