/**
 * Naive twins: the same result by the simplest kernels, as a baseline of benches. A twin shares the
 * op's shape rule, and may add scratch outputs.
 */
import type { Attrs, Io, Launch, Op, Spec, Target } from "../../src/graph/types.ts";

/** The naive form of an op: one thread per result, scalar, no workgroup memory. */
export interface Twin {
  /** Number of the op's outputs that it fills; the others are the op's scratch. */
  readonly fills: readonly number[];
  /** Specs of its own scratch, after the op's outputs. */
  readonly scratch?: (inputs: readonly Spec[], attrs: Attrs) => readonly Spec[];
  readonly launch: (io: Io<Spec>, attrs: Attrs, target: Target) => readonly Launch[];
}

/** An op with the twin's kernels. It has no reference: it is compared with `op` itself. */
export function asOp(op: Op, { scratch, launch }: Twin): Op {
  const { donate } = op;
  return {
    name: `${op.name} naive`,
    shape: (inputs, attrs) => [...op.shape(inputs, attrs), ...scratch?.(inputs, attrs) ?? []],
    launch,
    reference: () => {
      throw new TypeError(`Cannot run the naive twin of ${op.name} on the reference device`);
    },
    cost: (io, attrs) => op.cost(io, attrs),
    cases: [],
    ...(donate !== undefined && { donate: (attrs) => donate(attrs) }),
  };
}
