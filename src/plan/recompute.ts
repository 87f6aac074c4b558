/**
 * Computes cheap calls a second time where that frees memory: a value that is read early and again
 * much later need not be kept when what it is made of is kept anyway (Chen et al. 2016, "Training
 * Deep Nets with Sublinear Memory Cost", section 3, of single calls). It asks ops whether they are
 * cheap and knows none of them.
 */
import { sizeOf } from "../base/shape.ts";
import type { Call, Tensor } from "../graph/types.ts";

/** Calls between two readers from which on a value is computed again rather than kept. */
const FAR = 8;

/** A value that is computed again, and the first call that reads it then. */
interface Again {
  readonly from: number;
  readonly tensor: Tensor;
}

/**
 * `calls` with cheap ones of at least `least` bytes done again right before their late readers;
 * `results` are kept. Undefined where there are none.
 */
export function recompute(
  calls: readonly Call<Tensor>[],
  results: ReadonlySet<Tensor>,
  { least }: { least: number },
): Call<Tensor>[] | undefined {
  const kept = keptUntil(calls);
  const again = new Map<Tensor, Again>();
  const before = new Map<number, Call<Tensor>[]>();
  const readBy = (at: number) => (t: Tensor): Tensor => {
    const other = again.get(t);
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
    again.set(value, { from, tensor });
  }
  if (again.size === 0) return undefined;
  return calls.flatMap((call, at) => [
    ...before.get(at) ?? [],
    { ...call, inputs: call.inputs.map(readBy(at)) },
  ]);
}

/** The calls that read each tensor, by number, and the last one at which it is there unasked. */
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

/** The reader behind the widest gap, if that is wide. */
function lateReader(readers: readonly number[]): number | undefined {
  let [widest, late]: [number, number | undefined] = [FAR, undefined];
  readers.forEach((at, i) => {
    const gap = at - (readers[i - 1] ?? at);
    if (gap > widest) [widest, late] = [gap, at];
  });
  return late;
}
