/** What the exchange of gradients between workers moves, holds and takes. Pure. */
import { assign } from "../reduce/assign.ts";
import type { ExchangeWay } from "../reduce/schema.ts";
import { heldBytes } from "../reduce/vectors.ts";

/**
 * Bytes per second that one of two workers sends while it receives as many: bench/README.md, "The
 * exchange", on two cores of a Xeon.
 */
const PACES: Readonly<Record<ExchangeWay, number>> = { sockets: 1e9, file: 1.4e9, mmap: 6.5e9 };

/** The exchange of a step, of one worker. */
export interface ExchangeBudget {
  readonly way: ExchangeWay;
  readonly gradient_bytes: number;
  /** Sent in a step; as many are received. */
  readonly bytes: number;
  /** Of its own memory, beside the device's. */
  readonly memory: number;
  /** At the pace of two workers that do nothing else, where nothing is hidden. */
  readonly seconds: number;
  /** Bytes per second by which `seconds` is estimated. */
  readonly pace: number;
}

/** The exchange of gradients of `elements`; null for one worker. */
export function exchangeOf(
  { elements, workers, microBatches, way }: {
    readonly elements: number;
    readonly workers: number;
    readonly microBatches: number;
    readonly way: ExchangeWay;
  },
): ExchangeBudget | null {
  if (workers === 1) return null;
  const gradient = 4 * elements;
  const bytes = Math.ceil(2 * (workers - 1) / workers * gradient);
  const pace = PACES[way];
  const ranges = assign(microBatches, workers);
  return {
    way,
    gradient_bytes: gradient,
    bytes,
    memory: heldBytes({ rank: 0, ranges, length: elements, way }),
    seconds: bytes / pace,
    pace,
  };
}
