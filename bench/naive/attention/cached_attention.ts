/** Textbook attention to cached keys and values: one thread per head and token. */
import type { CachedAttrs } from "../../../kernels/attention/cached/cached_attention_sizes.ts";
import { cachedSizes } from "../../../kernels/attention/cached/cached_attention_sizes.ts";
import { linearGroups } from "../../../src/graph/wgsl.ts";
import attend from "./cached_attention.wgsl" with { type: "text" };
import type { Twin } from "../twin.ts";

/** Causal attention without windows and slopes. */
export const cachedAttentionTwin: Twin = {
  fills: [0],
  launch({ inputs }, attrs: CachedAttrs, { groups: limit }) {
    const sizes = cachedSizes(inputs, attrs);
    const { batch, count: N, heads: H, shared, width: D, valueWidth: DV, capacity: C } = sizes;
    const [Q, K, V] = inputs.map(({ shape }) => shape[2] ?? 1) as [number, number, number];
    const [Q0, K0, V0] = [attrs.q.first, attrs.k.first, attrs.v.first];
    return [{
      wgsl: attend,
      constants: { N, C, H, SHARED: shared, D, DV, Q, Q0, K, K0, V, V0 },
      bindings: [{ input: 0 }, { input: 1 }, { input: 2 }, { input: 3 }, { output: 0 }],
      groups: linearGroups(batch * N * H, limit),
    }];
  },
};
