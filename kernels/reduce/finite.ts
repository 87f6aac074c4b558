/**
 * Number of non-finite elements: any number of f32 inputs -> u32 [1]. An element counts if its
 * exponent bits are all ones (IEEE 754 single precision: infinities and NaNs). The kernel tests u32
 * words, because WGSL permits drivers to assume that `x != x` is false ("Differences from
 * IEEE-754").
 */
import { ceilDiv, showShape, sizeOf } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Launch, Op, Spec, Target, Tensor, View } from "../../src/graph/types.ts";
import { linearGroups, linearHead, WORKGROUP_SIZE } from "../../src/graph/wgsl.ts";
import { finiteKernel } from "./words_wasm.ts";
import wgsl from "./finite.wgsl" with { type: "text" };

/**
 * Number of elements of all `inputs` that are infinite or NaN: u32 [1]. It has no gradient.
 * @throws {RangeError} without inputs, or when one is empty or not f32.
 */
export function nonFinite(inputs: readonly Tensor[]): Tensor {
  return apply(finiteOp, inputs);
}

/** Items per invocation. */
const STRIP = 16;

const EXPONENT = 0x7f800000;

/** Resets the count, at the start of each run. */
const CLEAR: Launch = {
  wgsl: `@group(0) @binding(0) var<storage, read_write> count: array<u32>;
@compute @workgroup_size(1)
fn main() { count[0] = 0u; }
`,
  bindings: [{ output: 0 }],
  groups: [1, 1, 1],
};

function widthOf(n: number): 1 | 4 {
  return n % 4 === 0 ? 4 : 1;
}

const PRELUDE = {
  1: "alias Words = u32;\nfn fold(v: Words) -> u32 { return v; }\n",
  4: `alias Words = vec4<u32>;
fn fold(v: Words) -> u32 { return (v.x + v.y) + (v.z + v.w); }
`,
} as const;

/** The dispatch that adds the count of one input. */
function launchOf(spec: Spec, { input, target }: { input: number; target: Target }): Launch {
  const width = widthOf(sizeOf(spec.shape));
  const items = sizeOf(spec.shape) / width;
  const strips = ceilDiv(items, STRIP);
  const groups = linearGroups(strips, target.groups);
  return {
    wgsl: `${PRELUDE[width]}${wgsl}
${linearHead(strips, groups)}
  strip_main(i);
}
`,
    constants: { ITEMS: items, STRIDE: strips },
    bindings: [{ input }, { output: 0 }],
    groups,
  };
}

/** The op behind {@linkcode nonFinite}. */
export const finiteOp: Op = {
  name: "finite",
  shape(inputs) {
    if (inputs.length === 0) throw new RangeError("Cannot tell what is finite: it takes inputs");
    for (const { shape, dtype } of inputs) {
      if (dtype !== "f32" || sizeOf(shape) === 0) {
        throw new RangeError(
          `Cannot tell what is finite in ${dtype} ${showShape(shape)}: it takes elements of f32`,
        );
      }
    }
    return [{ shape: [1], dtype: "u32" }];
  },
  launch({ inputs }, _, target) {
    return [CLEAR, ...inputs.map((spec, input) => launchOf(spec, { input, target }))];
  },
  wasm: ({ inputs }) => finiteKernel(inputs.map(({ shape }) => sizeOf(shape))),
  reference({ inputs, outputs: [count] }) {
    if (count) count.data[0] = inputs.reduce((sum, { data }) => sum + countOf(data), 0);
  },
  cost({ inputs }) {
    const n = inputs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    return { flops: n, bytes: 4 * n, terms: 1 };
  },
  cases: [
    ...[1, 3, 4, 5, STRIP - 1, STRIP, STRIP + 1].map((n) => finiteCase("tile", [n])),
    ...[4 * STRIP - 4, 4 * STRIP, 4 * STRIP + 4].map((n) => finiteCase("tile", [n])),
    ...[WORKGROUP_SIZE * STRIP - 1, WORKGROUP_SIZE * STRIP, WORKGROUP_SIZE * STRIP + 1].map((n) =>
      finiteCase("tile", [n])
    ),
    finiteCase("tile", [4 * WORKGROUP_SIZE * STRIP + 4]),
    finiteCase("ragged", [3, 5, 1031]),
    finiteCase("ragged", [129], [6, 64], [1]),
    finiteCase("bench", [2 ** 22]),
  ],
};

/** Number of elements of `data`, as f32, whose exponent bits are all ones. */
function countOf(data: View["data"]): number {
  const floats = data instanceof Float32Array ? data : Float32Array.from(data);
  const words = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  return words.reduce((sum, word) => sum + ((word & EXPONENT) === EXPONENT ? 1 : 0), 0);
}

/** Every third element is not finite, starting at element k of input k. */
function finiteCase(kind: Case["kind"], ...shapes: number[][]): Case {
  return {
    kind,
    inputs: shapes.map((shape) => ({ shape, dtype: "f32" })),
    attrs: {},
    fill: (views) =>
      views.forEach(({ data }, k) => {
        const values = [Infinity, NaN, -Infinity];
        for (let i = k; i < data.length; i += 3) data[i] = values[i % 7 % 3] as number;
      }),
  };
}
