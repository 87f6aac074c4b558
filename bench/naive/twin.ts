/**
 * What a naive twin is: the same result by the plainest kernels, for a bench to stand on. It shares
 * an op's shape rule, and adds scratch outputs of its own.
 */
import type { Attrs, Io, Launch, Op, Spec, Target } from "../../src/graph/types.ts";

/** The plain form of an op: one thread per result, scalars, no workgroup memory. */
export interface Twin {
  /** Outputs of the op that it fills; the others are scratch of the op. */
  readonly fills: readonly number[];
  /** Specs of its own scratch, which stand behind the op's outputs. */
  readonly scratch?: (inputs: readonly Spec[], attrs: Attrs) => readonly Spec[];
  readonly launch: (io: Io<Spec>, attrs: Attrs, target: Target) => readonly Launch[];
}

/** `op` as its twin does it. It has no reference: it is compared with the op itself. */
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
