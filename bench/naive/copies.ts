/** What moves columns and time steps about, by the book: one thread per element. */
import type { ColumnsAttrs } from "../../kernels/shape/columns.ts";
import type { PlaceColumnsAttrs } from "../../kernels/shape/place_columns.ts";
import type { ReadTimeAttrs } from "../../kernels/shape/read_time.ts";
import type { SpreadTimeAttrs } from "../../kernels/shape/spread_time.ts";
import { sizeOf } from "../../src/base/shape.ts";
import type { Io, Launch, Spec, Target } from "../../src/graph/types.ts";
import { lineGroups } from "../../src/graph/wgsl.ts";
import columns from "./columns.wgsl" with { type: "text" };
import concat from "./concat.wgsl" with { type: "text" };
import placeColumns from "./place_columns.wgsl" with { type: "text" };
import readTime from "./read_time.wgsl" with { type: "text" };
import spreadTime from "./spread_time.wgsl" with { type: "text" };
import type { Twin } from "./twin.ts";

function width(spec: Spec | undefined): number {
  return spec?.shape.at(-1) ?? 1;
}

/** Binds all inputs, then output 0, with a thread for each of its elements. */
function threads(
  { inputs, outputs }: Io<Spec>,
  { groups }: Target,
): Pick<Launch, "bindings" | "groups"> {
  return {
    bindings: [...inputs.map((_, input) => ({ input })), { output: 0 }],
    groups: lineGroups(sizeOf(outputs[0]?.shape ?? []), groups),
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
export const columnsTwin: Twin = {
  fills: [0],
  launch: (io, { first, count }: ColumnsAttrs, target) => [{
    wgsl: columns,
    constants: { C: width(io.inputs[0]), first, count },
    ...threads(io, target),
  }],
};

/** One thread per element, the zeros included. */
export const placeColumnsTwin: Twin = {
  fills: [0],
  launch: (io, { first, columns }: PlaceColumnsAttrs, target) => [{
    wgsl: placeColumns,
    constants: { C: columns, first, count: width(io.inputs[0]) },
    ...threads(io, target),
  }],
};

/** One thread per element. */
export const readTimeTwin: Twin = {
  fills: [0],
  launch: (io, { kind }: ReadTimeAttrs, target) => [{
    wgsl: readTime,
    constants: {
      T: io.inputs[0]?.shape[1] ?? 1,
      D: width(io.inputs[0]),
      mean: kind === "mean" ? 1 : 0,
    },
    ...threads(io, target),
  }],
};

/** One thread per element, the zeros included. */
export const spreadTimeTwin: Twin = {
  fills: [0],
  launch: (io, { time, kind }: SpreadTimeAttrs, target) => [{
    wgsl: spreadTime,
    constants: { T: time, D: width(io.inputs[0]), mean: kind === "mean" ? 1 : 0 },
    ...threads(io, target),
  }],
};
