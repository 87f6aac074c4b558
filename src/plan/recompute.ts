/**
 * Rematerialisation of cheap calls: an output with an early and a much later reader need not be
 * kept if the inputs of its call are still alive then (Chen et al. 2016, "Training Deep Nets with
 * Sublinear Memory Cost", section 3, for single calls).
 */
import { sizeOf } from "../base/shape.ts";
import type { Call, Tensor } from "../graph/types.ts";

/** Gap between two readers, in calls, above which an output is recomputed. */
const FAR = 8;

/** A recomputed tensor, and the first call that reads it. */
interface Recomputed {
  readonly from: number;
  readonly tensor: Tensor;
}

/**
 * `calls` with cheap calls of at least `least` bytes repeated right before their late readers;
 * `results` are always kept. Undefined if nothing is recomputed.
 */
export function recompute(
  calls: readonly Call<Tensor>[],
  results: ReadonlySet<Tensor>,
  { least }: { least: number },
): Call<Tensor>[] | undefined {
  const kept = keptUntil(calls);
  const recomputed = new Map<Tensor, Recomputed>();
  const before = new Map<number, Call<Tensor>[]>();
  const readBy = (at: number) => (t: Tensor): Tensor => {
    const other = recomputed.get(t);
    return other !== undefined && at >= other.from ? other.tensor : t;
  };
  for (const call of calls) {
    const [value, ...others] = call.outputs;
    if (value === undefined || others.length > 0 || results.has(value)) continue;
    if (4 * sizeOf(value.shape) < least || !(call.op.cheap?.(call.attrs) ?? false)) continue;
    const from = lateReader(kept.readers.get(value) ?? []);
    if (from === undefined || !call.inputs.every((t) => kept.until(t) >= from)) continue;
    const tensor = { ...value };
    const inputs = call.inputs.map(readBy(from));
    before.set(from, [...before.get(from) ?? [], { ...call, inputs, outputs: [tensor] }]);
    recomputed.set(value, { from, tensor });
  }
  if (recomputed.size === 0) return undefined;
  return calls.flatMap((call, at) => [
    ...before.get(at) ?? [],
    { ...call, inputs: call.inputs.map(readBy(at)) },
  ]);
}

/**
 * Indices of each tensor's readers, and the last call at which it is alive without recomputation.
 */
function keptUntil(calls: readonly Call<Tensor>[]): {
  readers: ReadonlyMap<Tensor, readonly number[]>;
  until: (tensor: Tensor) => number;
} {
  const made = new Set(calls.flatMap((call) => call.outputs));
  const readers = new Map<Tensor, number[]>();
  const overwritten = new Set<Tensor>();
  calls.forEach(({ op, attrs, inputs }, at) => {
    for (const t of new Set(inputs)) {
      const known = readers.get(t);
      if (known === undefined) readers.set(t, [at]);
      else known.push(at);
    }
    for (const k of op.donate?.(attrs) ?? []) {
      if (k !== undefined) overwritten.add(inputs[k] as Tensor);
    }
  });
  const until = (t: Tensor): number => {
    if (overwritten.has(t)) return -1;
    return made.has(t) ? readers.get(t)?.at(-1) ?? -1 : calls.length;
  };
  return { readers, until };
}

/** The reader after the widest gap, if that exceeds {@linkcode FAR}. */
function lateReader(readers: readonly number[]): number | undefined {
  let [widest, late]: [number, number | undefined] = [FAR, undefined];
  readers.forEach((at, i) => {
    const gap = at - (readers[i - 1] ?? at);
    if (gap > widest) [widest, late] = [gap, at];
  });
  return late;
}
