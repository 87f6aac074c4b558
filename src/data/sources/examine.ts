/**
 * Examines a source before it is used: whether its batches depend on their address alone, and whether
 * its evaluation has targets. Pure but for the clock.
 */
import type { Batch, BatchAddress, Source } from "../source.ts";

/** What is examined. */
export interface Examination {
  /** Micro-batches that are made. */
  readonly addresses: readonly BatchAddress[];
  /** Whether its evaluation needs a target. */
  readonly evaluates: boolean;
  /** Called with what is made next: `step 3, micro-batch 0`. */
  readonly next: (what: string) => void;
  /** Milliseconds on a steady clock. */
  readonly now: () => number;
}

/** Time for the first evaluation sequence, ms; a longer one is not examined to its end. */
const EVALUATION_MS = 30_000;

/**
 * What is wrong with a source; undefined if nothing was found. `make` makes a new one: each worker makes
 * its own, so two of them must agree, in whatever order their batches are asked for.
 */
export function sourceFault(
  make: () => Source,
  { addresses, evaluates, next, now }: Examination,
): string | undefined {
  next("make()");
  const [first, second] = [make(), make()];
  if (first.sequences !== second.sequences) {
    return `need equal sequences whenever it is made: got ${first.sequences}, then ` +
      second.sequences;
  }
  const calls = [...addresses, ...addresses.slice(0, 1)];
  const batches = calls.map((at) => {
    next(nameOf(at));
    return copied(first.train(at));
  });
  // Backwards: a source that counts its calls gives other batches in another order.
  for (const [i, at] of calls.entries().toArray().reverse()) {
    next(nameOf(at));
    const text = difference(batches[i] as Batch, second.train(at));
    if (text === undefined) continue;
    return `need equal batches for one step and micro-batch: ${nameOf(at)} gave ${text}`;
  }
  return evaluates ? evaluationFault([first, second], { next, now }) : undefined;
}

function nameOf({ step, microBatch }: BatchAddress): string {
  return `step ${step}, micro-batch ${microBatch}`;
}

/** A source may fill the same arrays again. */
function copied(batch: Batch): Batch {
  return structuredClone(batch);
}

/** What differs between two batches, as `tokens[3] 5, then 2`; undefined if nothing does. */
function difference(a: Batch, b: Batch): string | undefined {
  for (const [name, data] of Object.entries(a.tensors)) {
    const other = b.tensors[name] as Uint32Array | Float32Array;
    // NaN equals itself here.
    const i = data.findIndex((value: number, at: number) => !Object.is(value, other[at]));
    if (i >= 0) return `${name}[${i}] ${data[i]}, then ${other[i]}`;
  }
  if (a.counted !== b.counted) return `counted ${a.counted}, then ${b.counted}`;
  const fresh = [a, b].map((batch) => JSON.stringify(batch.fresh));
  return fresh[0] === fresh[1] ? undefined : `fresh ${fresh.join(", then ")}`;
}

function evaluationFault(
  [first, second]: readonly [Source, Source],
  { next, now }: Pick<Examination, "next" | "now">,
): string | undefined {
  const { sequences } = first;
  if (sequences === 0) return "need sequences of its evaluation: got 0";
  const end = now() + EVALUATION_MS;
  let [counted, batches] = [0, 0];
  for (let sequence = 0; sequence < sequences && (counted === 0 || sequence === 0); sequence++) {
    let number = 0;
    next(evaluated(sequence, number));
    for (const batch of first.evaluation(sequence)) {
      if (batches === 0) {
        const found = copied(batch);
        next(evaluated(sequence, number));
        const [again] = second.evaluation(sequence);
        const text = again === undefined ? "a batch, then none" : difference(found, again);
        if (text !== undefined) {
          return `need equal batches for one evaluation sequence: ${sequence} gave ${text}`;
        }
      }
      counted += batch.counted;
      batches++;
      next(evaluated(sequence, ++number));
      if (now() > end) return undefined;
    }
  }
  if (counted > 0) return undefined;
  const got = batches === 0 ? "no batches" : `${batches} batches without one`;
  return `need targets that count in its evaluation: got ${got} in ${sequences} sequences`;
}

function evaluated(sequence: number, batch: number): string {
  return `evaluation sequence ${sequence}, batch ${batch}`;
}
