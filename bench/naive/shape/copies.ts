/** Naive ops on columns and time steps: one thread per element. */
import type {
  BroadcastTimeAttrs,
  IndexCopyAttrs,
  PadLastAttrs,
  PoolTimeAttrs,
  SliceLastAttrs,
} from "../../../kernels/shape/mod.ts";
import { sizeOf } from "../../../src/base/shape.ts";
import type { Io, Launch, Spec, Target } from "../../../src/graph/types.ts";
import { linearGroups } from "../../../src/graph/wgsl.ts";
import sliceLast from "./slice_last.wgsl" with { type: "text" };
import concat from "./concat.wgsl" with { type: "text" };
import indexCopy from "./index_copy.wgsl" with { type: "text" };
import padLast from "./pad_last.wgsl" with { type: "text" };
import poolTime from "./pool_time.wgsl" with { type: "text" };
import broadcastTime from "./broadcast_time.wgsl" with { type: "text" };
import type { Twin } from "../twin.ts";

function width(spec: Spec | undefined): number {
  return spec?.shape.at(-1) ?? 1;
}

/** Binds all inputs, then output 0, with one thread per element of it. */
function threads(
  { inputs, outputs }: Io<Spec>,
  { groups }: Target,
): Pick<Launch, "bindings" | "groups"> {
  return {
    bindings: [...inputs.map((_, input) => ({ input })), { output: 0 }],
    groups: linearGroups(sizeOf(outputs[0]?.shape ?? []), groups),
  };
}

/** One thread per element. */
export const concatTwin: Twin = {
  fills: [0],
  launch: (io, _, target) => [{
    wgsl: concat,
    constants: { A: width(io.inputs[0]), B: width(io.inputs[1]) },
    ...threads(io, target),
  }],
};

/** One thread per element. */
export const sliceLastTwin: Twin = {
  fills: [0],
  launch: (io, { first, count }: SliceLastAttrs, target) => [{
    wgsl: sliceLast,
    constants: { C: width(io.inputs[0]), first, count },
    ...threads(io, target),
  }],
};

/** One thread per element that is copied. */
export const indexCopyTwin: Twin = {
  fills: [0],
  launch({ inputs: [whole, x] }, { first, count, to }: IndexCopyAttrs, { groups: limit }) {
    const [batch = 1, N = 1, X = 1] = x?.shape ?? [];
    const constants = { N, C: whole?.shape[1] ?? 1, X, W: width(whole) };
    return [{
      wgsl: indexCopy,
      constants: { ...constants, FIRST: first, COUNT: count, TO: to },
      bindings: [{ input: 1 }, { input: 2 }, { output: 0 }],
      groups: linearGroups(batch * N * count, limit),
    }];
  },
};

/** One thread per element, the zeros included. */
export const padLastTwin: Twin = {
  fills: [0],
  launch: (io, { first, columns }: PadLastAttrs, target) => [{
    wgsl: padLast,
    constants: { C: columns, first, count: width(io.inputs[0]) },
    ...threads(io, target),
  }],
};

/** One thread per element. */
export const poolTimeTwin: Twin = {
  fills: [0],
  launch: (io, { kind }: PoolTimeAttrs, target) => [{
    wgsl: poolTime,
    constants: {
      T: io.inputs[0]?.shape[1] ?? 1,
      D: width(io.inputs[0]),
      mean: kind === "mean" ? 1 : 0,
    },
    ...threads(io, target),
  }],
};

/** One thread per element, the zeros included. */
export const broadcastTimeTwin: Twin = {
  fills: [0],
  launch: (io, { time, kind }: BroadcastTimeAttrs, target) => [{
    wgsl: broadcastTime,
    constants: { T: time, D: width(io.inputs[0]), mean: kind === "mean" ? 1 : 0 },
    ...threads(io, target),
  }],
};
