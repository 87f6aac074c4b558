/**
 * Rewrites a call list: drops what no result needs, and lets ops absorb the elementwise call that
 * follows them. It asks ops through `absorb` and knows none of them.
 */
import type { Call, Graph, Tensor } from "../graph/types.ts";

/** Calls that some result depends on, in order. */
export function prune(graph: Graph): Call<Tensor>[] {
  const needed = new Set(Object.values(graph.results));
  const lasting = updates(graph.calls);
  const kept: Call<Tensor>[] = [];
  for (const call of [...graph.calls].reverse()) {
    if (!lasting.has(call) && !call.outputs.some((t) => needed.has(t))) continue;
    call.inputs.forEach((t) => needed.add(t));
    kept.push(call);
  }
  return kept.reverse();
}

/** Calls that are wanted for their effect: they update in place what no call of the graph made. */
function updates(calls: readonly Call<Tensor>[]): ReadonlySet<Call<Tensor>> {
  const made = new Set(calls.flatMap((call) => call.outputs));
  const lasting = new Set<Call<Tensor>>();
  for (const call of calls) {
    call.op.donate?.(call.attrs).forEach((from, k) => {
      if (from === undefined || made.has(call.inputs[from] as Tensor)) return;
      lasting.add(call);
      // Whoever updates it once more is wanted as well.
      made.delete(call.outputs[k] as Tensor);
    });
  }
  return lasting;
}

/** Merges elementwise calls into the calls that feed them, until none is left to merge. */
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

/** Calls by number, and the numbers of those that read a tensor. */
class CallList {
  readonly calls: (Call<Tensor> | undefined)[];
  readonly #readers = new Map<Tensor, Set<number>>();

  constructor(calls: readonly Call<Tensor>[]) {
    this.calls = [...calls];
    calls.forEach((call, at) => this.#note(call, at));
  }

  /** In ascending order. */
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

/** Merges the first reader of call `at`'s last output into it; gives the merged call's index. */
function absorbAt(list: CallList, at: number, results: ReadonlySet<Tensor>): number | undefined {
  const call = list.calls[at];
  if (call?.op.absorb === undefined) return undefined;
  const value = call.outputs.at(-1) as Tensor;
  const [first, ...others] = list.readers(value);
  if (first === undefined) return undefined;
  // The merged call runs where its reader stood: nothing may need the other outputs before.
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
