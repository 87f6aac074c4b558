/** Laws of all ops: wrong shapes are rejected, and launches bind what their WGSL declares. */
import { assert, assertEquals, assertGreater, assertThrows } from "@std/assert";
import { OPS } from "../../kernels/mod.ts";
import type { Attrs, Case, Launch, Op, Spec, Target } from "../../src/graph/types.ts";
import { caseName } from "../../src/testing/cases.ts";

const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });
const u32 = (...shape: number[]): Spec => ({ shape, dtype: "u32" });

const COLUMNS = { first: 0, count: 3, to: 0 };

/** Attributes of rotary: two heads of 4 columns each. */
const HEADS = { heads: { first: 0, heads: 2, width: 4 }, pairing: "halves" };

/** Attributes of cached_attention: two heads of 4 columns each, and places. */
function cached(
  { q, mask = "places", ...own }: {
    q?: readonly [first: number, heads: number, width: number];
    mask?: string;
    window?: number;
    alibi?: readonly number[];
  },
): Attrs {
  const heads = { first: 0, heads: 2, width: 4 };
  const [first, count, width] = q ?? [0, 2, 4];
  return { q: { first, heads: count, width }, k: heads, v: heads, mask, ...own };
}

/** A window over images. */
const WINDOW = { kernel: [2, 3], stride: [1, 1], padding: [0, 0] };

/** Inputs that an op must reject, and words that its error must contain. */
const WRONG: Readonly<Record<string, readonly [readonly Spec[], Attrs, string][]>> = {
  attention: [
    [
      [f32(2, 3, 12), u32(2, 4)],
      { heads: 2, causal: true, starts: true },
      "starts must be u32 [2, 3]",
    ],
    [
      [f32(2, 3, 12), f32(2, 3)],
      { heads: 2, causal: true, starts: true },
      "u32 [2, 3]: f32 [2, 3]",
    ],
    [
      [f32(2, 3, 12)],
      { heads: 2, causal: true, starts: true },
      "starts must be u32 [2, 3]: undefined",
    ],
    [[f32(2, 3, 12), u32(2, 3)], { heads: 2 }, "needs 0 more inputs"],
    [
      [f32(2, 3, 12), u32(2), u32(2, 3)],
      { heads: 2, causal: true, starts: true },
      "starts must be",
    ],
  ],
  cached_attention: [
    [[f32(2, 3, 8), f32(2, 8, 8), f32(2, 8, 8), u32(3)], cached({ q: [1, 2, 4] }), "exceed 8 col"],
    [[f32(2, 3, 8), f32(2, 8, 7), f32(2, 8, 8), u32(3)], cached({}), "exceed 7 columns"],
    [[f32(2, 3, 8), f32(1, 8, 8), f32(1, 8, 8), u32(3)], cached({}), "keys must be [2, 8, W]"],
    [[f32(2, 3, 8), f32(2, 8, 8), f32(2, 7, 8), u32(3)], cached({}), "values must be [2, 8, W]"],
    [[f32(2, 3, 8), f32(2, 8, 8), f32(2, 8, 8), f32(3)], cached({}), "places u32 [3]: got f32 [3]"],
    [[f32(2, 3, 8), f32(2, 8, 8), f32(2, 8, 8), u32(1)], cached({}), "places u32 [3]: got u32 [1]"],
    [[f32(2, 3, 8), f32(2, 8, 8), f32(2, 8, 8)], cached({}), "places u32 [3]: got no mask"],
    [
      [f32(2, 3, 8), f32(2, 8, 8), f32(2, 8, 8), u32(3)],
      cached({ mask: "lengths" }),
      "lengths u32 [2]",
    ],
    [[f32(3, 8), f32(2, 8, 8), f32(2, 8, 8), u32(3)], cached({}), "columns of f32 [B, n, W]"],
    [
      [f32(2, 3, 12), f32(2, 8, 8), f32(2, 8, 8), u32(3)],
      cached({ q: [0, 3, 4] }),
      "a divisor of the query heads",
    ],
    [
      [f32(2, 3, 8), f32(2, 8, 8), f32(2, 8, 8), u32(3)],
      cached({ q: [0, 2, 3] }),
      "queries as wide as keys",
    ],
    [
      [f32(2, 3, 8), f32(2, 8, 8), f32(2, 8, 8), u32(2)],
      cached({ mask: "lengths", window: 2 }),
      "need places: got lengths",
    ],
    [
      [f32(2, 3, 8), f32(2, 8, 8), f32(2, 8, 8), u32(3)],
      cached({ window: 0 }),
      "a positive integer: 0",
    ],
    [
      [f32(2, 3, 8), f32(2, 8, 8), f32(2, 8, 8), u32(3)],
      cached({ alibi: [0.5] }),
      "each of 2 heads: 1",
    ],
  ],
  index_copy: [
    [[f32(2, 9, 4), f32(2, 3), u32(3)], COLUMNS, "must be f32 [B, n, X]: f32 [2, 3]"],
    [[f32(1, 9, 4), f32(2, 3, 4), u32(3)], COLUMNS, "to [1, 9, 4]: needs f32 [2, C, W]"],
    [[f32(2, 2, 4), f32(2, 3, 4), u32(3)], COLUMNS, "the room for tokens, at least 3"],
    [[f32(2, 9, 2), f32(2, 3, 4), u32(3)], COLUMNS, "3 columns from 0 on to 0 on: the last axes"],
    [[f32(2, 9, 4), f32(2, 3, 2), u32(3)], COLUMNS, "the last axes are 2 and 4"],
    [[f32(2, 9, 4), f32(2, 3, 4), f32(3)], COLUMNS, "index must be u32 [3]: f32 [3]"],
  ],
  column_sum: [[[f32(4, 5)], { columns: [4] }, "trailing axes differ"]],
  matmul: [
    [[f32(4, 8), f32(6, 2)], {}, "inner sizes are 8 and 6"],
    [[f32(4, 8), f32(8, 2)], { ta: true }, "inner sizes are 4 and 8"],
    [[f32(4, 8)], {}, "two inputs"],
    [[f32(4, 8), f32(8, 2)], { onto: true }, "onto []: needs a sum of [4, 2]"],
    [[f32(4, 8), f32(8, 2), f32(8)], { onto: true, epilogue: 1 }, "and no epilogue"],
  ],
  slice: [
    [[], { first: 0, shape: [1] }, "one input"],
    [[f32(3, 4)], { first: 5, shape: [2, 4] }, "8 elements from 5 on of [3, 4]: it has 12"],
    [[f32(3, 4)], { first: -1, shape: [4] }, "from -1 on"],
    [[f32(3, 4)], { first: 0, shape: [0] }, "0 elements"],
  ],
  pointwise_segments: [
    [[], { ranges: [] }, "takes inputs"],
    [[f32(8), f32(4)], { ranges: [] }, "input 1: [4] is neither one element nor [8]"],
    [[f32(8), f32(1)], { ranges: [], donate: [1] }, "input 1: [1]"],
    [[f32(8)], { ranges: [{ end: 4 }, { end: 7 }] }, "its ranges end at 4, 7"],
    [[f32(8)], { ranges: [{ end: 4 }, { end: 4 }, { end: 8 }] }, "end at 4, 4, 8"],
  ],
  update_slice: [
    [[], { first: 0 }, "takes a part"],
    [[f32(3)], { first: 0 }, "and a whole or its shape"],
    [[f32(8), f32(3)], { first: 0, shape: [8] }, "and a whole or its shape"],
    [[f32(2, 4), f32(3)], { first: 6 }, "update_slice [3] into [2, 4] from 6 on: it has 8"],
    [[f32(8), u32(3)], { first: 0 }, "u32 into f32"],
  ],
  finite: [[[], {}, "takes inputs"], [[f32(2), u32(2)], {}, "u32 [2]"], [[f32(0)], {}, "f32 [0]"]],
  sum: [[[], {}, "no elements"], [[f32(0)], {}, "axis 0"]],
  argsort: [[[f32(3)], {}, "u32"], [[], {}, "u32"]],
  embedding: [
    [[f32(3), u32(2)], {}, "2 axes"],
    [[f32(3, 4), f32(2)], {}, "u32"],
  ],
  embedding_backward: [
    [[u32(3), u32(4), f32(4, 2)], { vocabulary: 5 }, "leading axes differ"],
    [[u32(4), u32(4), f32(3, 2)], { vocabulary: 5 }, "leading axes differ"],
  ],
  cross_entropy: [
    [[f32(3, 5), u32(4)], {}, "leading axes differ"],
    [[f32(3, 5), f32(3)], {}, "u32"],
  ],
  cross_entropy_backward: [
    [[f32(3, 5), u32(2), f32(3), f32(3)], {}, "leading axes differ"],
    [[f32(3, 5), u32(3), f32(2), f32(3)], {}, "lse [2]"],
    [[f32(3, 5), u32(3), f32(3), f32(1)], {}, "dloss [1]"],
  ],
  layer_norm: [
    [[f32(3, 5), f32(4), f32(5)], { eps: 0 }, "gamma [4]: the last axis is 5"],
    [[f32(3, 5), f32(5), f32(1, 5)], { eps: 0 }, "beta [1, 5]: the last axis is 5"],
  ],
  layer_norm_backward: [
    [[f32(3, 5), f32(5), f32(3), f32(2), f32(3, 5)], {}, "rstd [2]"],
    [[f32(3, 5), f32(5), f32(3), f32(3), f32(5, 3)], {}, "dy [5, 3]"],
  ],
  concat: [
    [[f32(3, 4), f32(2, 4)], {}, "[3, 4] and [2, 4]: leading axes differ"],
    [[f32(3, 4), f32(1, 3, 4)], {}, "leading axes differ"],
    [[f32(3, 4)], {}, "two inputs"],
  ],
  slice_last: [
    [[f32(3, 4)], { first: 2, count: 3 }, "3 columns from 2 on of [3, 4]: the last axis is 4"],
    [[f32(3, 4)], { first: -1, count: 2 }, "the last axis is 4"],
    [[f32(3, 4)], { first: 4, count: 0 }, "the last axis is 4"],
  ],
  pad_last: [
    [[f32(3, 4)], { first: 2, columns: 5 }, "[3, 4] at 2: the new last axis is 5"],
    [[f32(3, 4)], { first: -1, columns: 5 }, "the new last axis is 5"],
  ],
  pool_time: [
    [[f32(3, 4)], { kind: "last" }, "[3, 4]: it takes [B, T, D]"],
    [[f32(3, 0, 4)], { kind: "mean" }, "T at least 1"],
  ],
  broadcast_time: [
    [[f32(3, 4, 5)], { time: 2, kind: "last" }, "[3, 4, 5] over 2 steps: it takes [B, D]"],
    [[f32(3, 4)], { time: 0, kind: "mean" }, "over 0 steps"],
  ],
  correct: [
    [[f32(3, 5), u32(4)], {}, "[3, 5] by targets [4]: leading axes differ"],
    [[f32(3, 5), f32(3)], {}, "u32"],
    [[f32(3, 5)], {}, "two inputs"],
  ],
  rotary: [
    [[f32(2, 3, 8), f32(3, 2), f32(3, 3)], HEADS, "f32 [C, r / 2] with r at most 4: [3, 2] and"],
    [[f32(2, 3, 8), f32(3, 3), f32(3, 3)], HEADS, "r at most 4: [3, 3]"],
    [[f32(2, 3, 7), f32(3, 2), f32(3, 2)], HEADS, "exceed 7 columns"],
    [[f32(2, 4, 8), f32(3, 2), f32(3, 2)], HEADS, "4 tokens: the rotary tables have 3 positions"],
    [[f32(2, 4, 8), f32(3, 2), f32(3, 2), u32(3)], HEADS, "positions must be u32 [4]: u32 [3]"],
    [[f32(2, 4, 8), f32(3, 2), f32(3, 2), u32(4), u32(4)], HEADS, "at most four inputs: 5"],
  ],
  row_norms: [[[f32(3, 0)], {}, "[3, 0]: a row has no elements"], [[], {}, "no elements"]],
  batched_matmul: [
    [[f32(2, 4, 8), f32(2, 6, 2)], {}, "inner sizes are 8 and 6"],
    [[f32(2, 4, 8), f32(3, 8, 2)], {}, "leading axes differ"],
    [[f32(2, 4, 8), f32(8, 2)], {}, "leading axes differ"],
    [[f32(4, 8), f32(4, 2)], { tb: true }, "[4, 2] transposed: inner sizes are 8 and 2"],
    [[f32(4, 8)], {}, "two inputs"],
  ],
  permute: [
    [[f32(3, 4)], { axes: [0, 0] }, "[3, 4] by axes [0, 0]: need each of its axes once"],
    [[f32(3, 4)], { axes: [0] }, "by axes [0]"],
    [[], { axes: [0] }, "by axes [0]"],
  ],
  reshape: [
    [[f32(3, 4)], { shape: [13] }, "[3, 4] to [13]: sizes are 12 and 13"],
    [[f32(3, 0)], { shape: [0] }, "sizes are 0 and 0"],
    [[], { shape: [1] }, "sizes are 1 and 1"],
  ],
  row_sum: [[[f32(3, 0)], {}, "[3, 0]: a row has no elements"], [[], {}, "no elements"]],
  row_max: [[[f32(3, 0)], {}, "[3, 0]: a row has no elements"], [[], {}, "no elements"]],
  row_mean: [[[f32(3, 0)], {}, "row_mean [3, 0]"], [[], {}, "row_mean nothing: need x: got 0"]],
  row_variance: [[[f32(3, 0)], {}, "row_variance [3, 0]"], [[], {}, "need x: got 0"]],
  broadcast_last: [
    [[f32(3, 4)], { columns: 2 }, "[3, 4] to 2 columns: need [..., 1]"],
    [[f32(3, 1)], { columns: 0 }, "at least 1"],
  ],
  softmax: [[[f32(3, 0)], {}, "softmax [3, 0]"], [[f32(3), f32(3)], {}, "need x: got 2"]],
  log_softmax: [[[f32(3, 0)], {}, "log_softmax [3, 0]"], [[], {}, "need x: got 0"]],
  softmax_backward: [
    [[f32(3, 4), f32(4)], {}, "softmax_backward [3, 4] with dy [4]"],
    [[f32(3, 0), f32(3, 0)], {}, "a row has no elements"],
  ],
  log_softmax_backward: [[[f32(3, 4), f32(4, 3)], {}, "[3, 4] with dy [4, 3]"]],
  swiglu: [[[f32(3, 5)], {}, "[3, 5]: need an even last axis"]],
  rms_norm: [
    [[f32(3, 5), f32(4)], { eps: 0 }, "gain [4]: the last axis is 5"],
    [[f32(3, 5), f32(1, 5)], { eps: 0 }, "gain [1, 5]: the last axis is 5"],
    [[f32(3, 5)], { eps: 0 }, "need x, gain: got 1"],
  ],
  rms_norm_backward: [
    [[f32(3, 5), f32(5), f32(3), f32(3, 5)], {}, "rstd [3]: its axes must be [3, 1]"],
    [[f32(3, 5), f32(5), f32(3, 1), f32(5, 3)], {}, "dy [5, 3]"],
    [[f32(3, 5), f32(5), f32(3, 1)], {}, "four inputs"],
  ],
  top_k: [
    [[f32(3, 4)], { count: 5 }, "need f32 and 1 to 4 columns: 5"],
    [[f32(3, 4)], { count: 0 }, "1 to 4 columns: 0"],
    [[u32(3, 4)], { count: 1 }, "need f32"],
  ],
  expert_rows: [
    [[u32(6), u32(3, 2)], { experts: 2, tile: 0 }, "whole sizes above 0: 2 experts, tile 0"],
    [[u32(6), u32(6)], { experts: 2, tile: 1 }, "need order u32 [C], ids u32 [R, K]"],
    [[u32(5), u32(3, 2)], { experts: 2, tile: 1 }, "[3, 2]: order has [5]"],
  ],
  grouped_matmul: [
    [[f32(6, 4), f32(2, 3, 4), u32(3)], {}, "[6, 4] [2, 3, 4] [3]: need x [P, K]"],
    [[f32(6, 4), f32(2, 4, 3), u32(4)], {}, "T a divisor of P"],
    [[f32(6, 4), f32(2, 4, 3), f32(3)], {}, "groups u32"],
  ],
  grouped_matmul_backward: [
    [[f32(6, 4), f32(5, 3), u32(3)], { matrices: 2 }, "[6, 4] [5, 3] [3]"],
  ],
  unfold: [
    [[f32(3, 4, 5)], WINDOW, "[3, 4, 5]: need f32 [B, H, W, C]"],
    [[u32(1, 3, 4, 5)], WINDOW, "need f32"],
    [[f32(1, 1, 4, 5)], WINDOW, "of at most 1 and a stride of at least 1 along H: got 2 and 1"],
  ],
  max_pool: [
    [[f32(1, 2, 2, 5)], WINDOW, "of at most 2 and a stride of at least 1 along W: got 3 and 1"],
    [[f32(1, 2, 4, 5)], { ...WINDOW, padding: [2, 0] }, "at most half a window of 2: got 2"],
  ],
  tree_add: [[[f32(3, 4), f32(4, 3)], {}, "[4, 3] to [3, 4]: axes differ"]],
};

/** The inputs of a case with one axis of one input longer by one, in all ways. */
function stretched({ inputs }: Case): Spec[][] {
  return inputs.flatMap((spec, i) =>
    spec.shape.map((_, axis) => {
      const shape = spec.shape.map((n, a) => a === axis ? n + 1 : n);
      return inputs.map((other, k) => k === i ? { ...spec, shape } : other);
    })
  );
}

/** Whether an op rejects inputs; by a RangeError that names it (attention: attend). */
function refuses(op: Op, inputs: readonly Spec[], attrs: Attrs): boolean {
  try {
    op.shape(inputs, attrs);
    return false;
  } catch (error) {
    assert(error instanceof RangeError, `${op.name} throws a RangeError: ${error}`);
    assert(
      op.name.split("_").some((word) => error.message.includes(word.slice(0, 5))),
      `the error names ${op.name}: ${error.message}`,
    );
    return true;
  }
}

for (const op of OPS) {
  Deno.test(`${op.name} rejects wrong shapes`, () => {
    const wrong = WRONG[op.name] ?? [];
    for (const [inputs, attrs, words] of wrong) {
      assertThrows(() => op.shape(inputs, attrs), RangeError, words);
      assert(refuses(op, inputs, attrs));
    }
    const test = op.cases.find(({ kind }) => kind === "ragged");
    assert(test, `${op.name} has a ragged case`);
    const refused = stretched(test).filter((inputs) => refuses(op, inputs, test.attrs)).length;
    assertGreater(refused + wrong.length, 0, `nothing is refused by ${op.name}`);
  });
}

const DECLARATION = /@group\(0\) @binding\((\d+)\) var<storage, (read|read_write)>/g;
/** Bindings that every adapter allows. */
const MOST_BINDINGS = 8;

const TARGETS: readonly Target[] = [
  { kind: "cpu", workgroupBytes: 32768, invocations: 1024, groups: 65535 },
  { kind: "gpu", workgroupBytes: 16384, invocations: 256, groups: 65535 },
];

/** Asserts that one launch declares what it binds; adds the outputs that it writes to `written`. */
function checkLaunch(
  { wgsl, bindings }: Launch,
  { donated, written }: { donated: readonly (number | undefined)[]; written: Set<number> },
): void {
  const declared = [...wgsl.matchAll(DECLARATION)].map(([, at, access]) => [Number(at), access]);
  assertEquals(declared.map(([at]) => at), bindings.map((_, at) => at));
  assert(bindings.length <= MOST_BINDINGS);
  const places = bindings.map((b) => {
    const place = "input" in b ? b.input : donated[b.output];
    return place === undefined ? `output ${(b as { output: number }).output}` : `input ${place}`;
  });
  assertEquals(new Set(places).size, places.length, `no buffer is bound twice: ${places}`);
  bindings.forEach((binding, at) => {
    const access = declared[at]?.[1];
    assertEquals((binding.offset ?? 0) % 64, 0, `binding ${at} starts at a multiple of 256 bytes`);
    if ("input" in binding) assertEquals(access, "read", `binding ${at} is an input`);
    else if (access === "read_write") written.add(binding.output);
    else assert(written.has(binding.output), `binding ${at} is read before it is written`);
  });
}

for (const op of OPS.filter(({ isExpanded }) => !isExpanded)) {
  Deno.test(`${op.name} binds what its WGSL declares`, () => {
    for (const test of op.cases) {
      const outputs = op.shape(test.inputs, test.attrs);
      const donated = op.donate?.(test.attrs) ?? [];
      for (const target of TARGETS) {
        const written = new Set<number>();
        for (const launch of op.launch({ inputs: test.inputs, outputs }, test.attrs, target)) {
          checkLaunch(launch, { donated, written });
          assert(launch.groups.every((n) => n > 0 && n <= target.groups), caseName(op, test));
        }
        assertEquals(written.size, outputs.length, `${caseName(op, test)} writes all outputs`);
      }
    }
  });
}
