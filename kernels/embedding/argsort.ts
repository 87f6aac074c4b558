/**
 * Stable argsort: ids u32 [...] -> u32 [R], the indices that sort the flattened ids. Each
 * invocation computes the rank of one id by counting, R * R comparisons in total: cheap beside the
 * embedding's gradient at the R of a micro-batch.
 */
import { sizeOf } from "../../src/base/shape.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Launch, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { argsortKernel } from "./embedding_wasm.ts";
import { linearGroups, linearHead, WORKGROUP_SIZE } from "../../src/graph/wgsl.ts";

/** Indices u32 [R] that sort `ids` u32 [...], stably. */
export function argsort(ids: Tensor): Tensor {
  return apply(argsortOp, [ids]);
}

/**
 * Rank of an id: ids that are smaller, or equal and earlier, i.e. smaller than id + (earlier ? 1 :
 * 0).
 */
function wgslOf(n: number, groups: Launch["groups"]): string {
  const width = n % 4 === 0 ? 4 : 1;
  const words = width === 4 ? "vec4<u32>" : "u32";
  const total = width === 4 ? "(rank.x + rank.y) + (rank.z + rank.w)" : "rank";
  const positions = width === 4 ? "vec4<u32>(0u, 1u, 2u, 3u) + 4u * j" : "j";
  const one = `${words}(1u)`;
  return `@group(0) @binding(0) var<storage, read> ids: array<${words}>;
@group(0) @binding(1) var<storage, read_write> order: array<u32>;
${linearHead(n, groups)}
  let own = ids[i / ${width}u]${width === 4 ? "[i % 4u]" : ""};
  var rank = ${words}();
  for (var j = 0u; j < arrayLength(&ids); j++) {
    let before = select(${words}(), ${one}, ${positions} < ${words}(i));
    rank += select(${words}(), ${one}, ids[j] < own + before);
  }
  order[${total}] = i;
}
`;
}

/** The op behind {@linkcode argsort}. */
export const argsortOp: Op = {
  name: "argsort",
  shape([ids]) {
    if (ids?.dtype !== "u32") throw new RangeError("Cannot argsort: it takes one u32 input");
    return [{ shape: [sizeOf(ids.shape)], dtype: "u32" }];
  },
  launch({ inputs: [ids] }, _, target) {
    const n = sizeOf(ids?.shape ?? []);
    const groups = linearGroups(n, target.groups);
    return [{ wgsl: wgslOf(n, groups), bindings: [{ input: 0 }, { output: 0 }], groups }];
  },
  wasm: ({ inputs: [ids] }) => argsortKernel(sizeOf((ids as Spec).shape)),
  reference({ inputs: [ids], outputs: [order] }) {
    if (!ids || !order) return;
    const id = (i: number) => ids.data[i] as number;
    const positions = Array.from(ids.data, (_, i) => i);
    order.data.set(positions.sort((a, b) => id(a) - id(b) || a - b));
  },
  cost({ inputs: [ids] }) {
    const n = sizeOf(ids?.shape ?? []);
    return { flops: 2 * n * n, bytes: 8 * n, terms: 1 };
  },
  cases: [
    ...[1, 4, WORKGROUP_SIZE - 1, WORKGROUP_SIZE, WORKGROUP_SIZE + 1, WORKGROUP_SIZE + 4].map((n) =>
      sorting("tile", 9, n)
    ),
    sorting("ragged", 2 ** 31, 3, 61),
    sorting("ragged", 1, 5, 24),
    sorting("bench", 128, 32, 64),
  ],
};

function sorting(kind: Case["kind"], below: number, ...shape: number[]): Case {
  return { kind, inputs: [{ shape, dtype: "u32" }], attrs: {}, below: { 0: below } };
}
