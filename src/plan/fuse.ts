/**
 * Rewrites a call list: dead code elimination, and epilogue fusion by the ops' `absorb`.
 */
import type { Call, Graph, Tensor } from "../graph/types.ts";

/** Calls that results depend on, and in-place updates of sources, in order. */
export function prune({ calls, results }: Pick<Graph, "calls" | "results">): Call<Tensor>[] {
  const needed = new Set(Object.values(results));
  const lasting = updates(calls);
  const kept: Call<Tensor>[] = [];
  for (const call of [...calls].reverse()) {
    if (!lasting.has(call) && !call.outputs.some((t) => needed.has(t))) continue;
    call.inputs.forEach((t) => needed.add(t));
    kept.push(call);
  }
  return kept.reverse();
}

/** Calls with side effects: they update a graph source in place. */
function updates(calls: readonly Call<Tensor>[]): ReadonlySet<Call<Tensor>> {
  const made = new Set(calls.flatMap((call) => call.outputs));
  const lasting = new Set<Call<Tensor>>();
  for (const call of calls) {
    call.op.donate?.(call.attrs).forEach((from, k) => {
      if (from === undefined || made.has(call.inputs[from] as Tensor)) return;
      lasting.add(call);
      // A later update of the same buffer has a side effect as well.
      made.delete(call.outputs[k] as Tensor);
    });
  }
  return lasting;
}

/** Fuses elementwise calls into the calls that produce their input, to a fixed point. */
export function fuse(calls: readonly Call<Tensor>[], results: ReadonlySet<Tensor>): Call<Tensor>[] {
  const list = new CallList(calls);
  for (let i = 0; i < calls.length; i++) {
    let at = i;
    while (true) {
      const next = absorbAt(list, at, results);
      if (next === undefined) break;
      at = next;
    }
  }
  return list.calls.filter((c) => c !== undefined);
}

/** Calls by index, and the indices of the readers of each tensor. */
class CallList {
  readonly calls: (Call<Tensor> | undefined)[];
  readonly #readers = new Map<Tensor, Set<number>>();

  constructor(calls: readonly Call<Tensor>[]) {
    this.calls = [...calls];
    calls.forEach((call, at) => this.#note(call, at));
  }

  /** Indices of the calls that read a tensor, ascending. */
  readers(tensor: Tensor): number[] {
    return Array.from(this.#readers.get(tensor) ?? []).sort((a, b) => a - b);
  }

  put(at: number, call: Call<Tensor> | undefined): void {
    this.calls[at]?.inputs.forEach((t) => this.#readers.get(t)?.delete(at));
    this.calls[at] = call;
    if (call !== undefined) this.#note(call, at);
  }

  #note({ inputs }: Call<Tensor>, at: number): void {
    for (const t of inputs) {
      const known = this.#readers.get(t);
      if (known === undefined) this.#readers.set(t, new Set([at]));
      else known.add(at);
    }
  }
}

/** Fuses the first reader of call `at`'s last output into it; returns the fused call's index. */
function absorbAt(list: CallList, at: number, results: ReadonlySet<Tensor>): number | undefined {
  const call = list.calls[at];
  if (call?.op.absorb === undefined) return undefined;
  const value = call.outputs.at(-1) as Tensor;
  const [first, ...others] = list.readers(value);
  if (first === undefined) return undefined;
  // The fused call runs at the reader's position: no earlier call may read the other outputs.
  if (call.outputs.some((t) => list.readers(t).some((i) => i < first))) return undefined;
  const next = list.calls[first] as Call<Tensor>;
  const keep = others.length > 0 || results.has(value);
  const merged = call.op.absorb(call, next, keep);
  if (merged === undefined) return undefined;
  const kept = keep ? call.outputs : call.outputs.slice(0, -1);
  list.put(first, { ...merged, outputs: [...kept, ...next.outputs] });
  list.put(at, undefined);
  return first;
}
