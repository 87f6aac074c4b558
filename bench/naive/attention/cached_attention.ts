/** Textbook attention with a KV cache: one thread per head and token. */
import type { CachedAttrs } from "../../../kernels/attention/cached_attention_sizes.ts";
import { cachedSizes } from "../../../kernels/attention/cached_attention_sizes.ts";
import { linearGroups } from "../../../src/graph/wgsl.ts";
import attend from "./cached_attention.wgsl" with { type: "text" };
import put from "./cached_put.wgsl" with { type: "text" };
import type { Twin } from "../twin.ts";

/** Writes rows to the cache, then attends to it. */
export const cachedAttentionTwin: Twin = {
  fills: [0, 1],
  launch({ inputs }, attrs: CachedAttrs, { groups: limit }) {
    const { batch, count: N, heads: H, width: D, capacity: C } = cachedSizes(inputs, attrs);
    const ROW = 3 * H * D;
    const [qkv, places] = [{ input: 0 }, { input: 2 }];
    return [
      {
        wgsl: put,
        constants: { N, C, ROW },
        bindings: [qkv, places, { output: 1 }],
        groups: linearGroups(batch * N * ROW, limit),
      },
      {
        wgsl: attend,
        constants: { N, C, H, D },
        bindings: [qkv, places, { output: 1 }, { output: 0 }],
        groups: linearGroups(batch * N * H, limit),
      },
    ];
  },
};
