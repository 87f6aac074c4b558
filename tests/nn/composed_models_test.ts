/**
 * Small models of a user made of composed ops: their plans keep the laws, devices agree, and
 * attention by matrix products equals the attention op. B batch, T time, D width, H heads.
 */
import { assert, assertEquals, assertLess } from "@std/assert";
import { attention, packedHeads } from "../../kernels/attention/mod.ts";
import { crossEntropy } from "../../kernels/cross_entropy/mod.ts";
import { batchedMatmul } from "../../kernels/matmul/mod.ts";
import { permuteAxes, transposeLast } from "../../kernels/permute/mod.ts";
import { sum } from "../../kernels/reduce/mod.ts";
import { reshape, sliceLast } from "../../kernels/shape/mod.ts";
import { softmax } from "../../kernels/softmax/mod.ts";
import { rootKey, threefry, uniforms } from "../../src/base/random.ts";
import { sizeOf } from "../../src/base/shape.ts";
import { openReference } from "../../src/device/reference.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Tensor } from "../../src/graph/types.ts";
import { embed, linear, mlp, plus, rmsNorm, scaled } from "../../src/nn/mod.ts";
import { newScope } from "../../src/nn/scope.ts";
import type { Scope } from "../../src/nn/scope.ts";
import { compile } from "../../src/plan/compile.ts";
import { someValues } from "../../src/testing/some_values.ts";
import { onDevice, onGpu, sharedGpu } from "../support/gpu.ts";
import { checkPlan } from "../support/graph/plan_laws.ts";
import { gradientsOf, runTrace, weightedSum } from "../support/graph/run_trace.ts";
import { distance } from "../support/graph/traced.ts";

const gpu = sharedGpu();
const [B, T, D, V] = [3, 6, 8, 11];

/** Logits [B, T, V] of token ids [B, T], by model. */
const MODELS: Readonly<Record<string, (scope: Scope, ids: Tensor) => Tensor>> = {
  bigram: (scope, ids) => embed(scope, ids, { vocabulary: V, width: V }),
  mlp: (scope, ids) => {
    const x = embed(scope.in("tokens"), ids, { vocabulary: V, width: D });
    const y = plus(x, mlp(scope.in("mlp"), x, { hidden: 12, activation: "relu" }));
    return linear(scope.in("head"), y, { width: V });
  },
  mixer: (scope, ids) => {
    const x = embed(scope.in("tokens"), ids, { vocabulary: V, width: D });
    const turned = transposeLast(rmsNorm(scope.in("norm1"), x));
    const mixed = transposeLast(mlp(scope.in("time"), turned, { hidden: 5, activation: "silu" }));
    const y = plus(x, mixed);
    const normed = rmsNorm(scope.in("norm2"), y);
    const gated = mlp(scope.in("mlp"), normed, { hidden: 12, activation: "swiglu", bias: false });
    return linear(scope.in("head"), plus(y, gated), { width: V });
  },
  attention: (scope, ids) => {
    const x = embed(scope.in("tokens"), ids, { vocabulary: V, width: D });
    const qkv = linear(scope.in("qkv"), x, { width: 3 * D });
    return linear(scope.in("head"), plus(x, attentionByProducts(qkv, 2)), { width: V });
  },
};

/** Causal attention of packed queries, keys and values [B, T, 3D], with all scores in memory. */
function attentionByProducts(qkv: Tensor, heads: number): Tensor {
  const [batch, time, packed] = qkv.shape as [number, number, number];
  const width = packed / 3 / heads;
  const [q, k, v] = [0, 1, 2].map((i) => {
    const columns = sliceLast(qkv, { first: i * packed / 3, count: packed / 3 });
    return permuteAxes(reshape(columns, [batch, time, heads, width]), [0, 2, 1, 3]);
  }) as [Tensor, Tensor, Tensor];
  const later = Float32Array.from(
    { length: time * time },
    (_, i) => i % time > Math.floor(i / time) ? -1e9 : 0,
  );
  const scores = scaled(batchedMatmul(q, k, { tb: true }), 1 / Math.sqrt(width));
  const shares = softmax(plus(scores, qkv.trace.constant([time, time], later)));
  const mixed = permuteAxes(batchedMatmul(shares, v), [0, 2, 1, 3]);
  return reshape(mixed, [batch, time, packed / 3]);
}

/** `n` fixed ids below V. */
const idsOf = (n: number, site: number) =>
  Uint32Array.from({ length: n }, (_, i) => threefry(rootKey(7), i, site)[0] % V);

for (const [name, model] of Object.entries(MODELS)) {
  Deno.test(
    onGpu(`${name}: a model of composed ops has one loss and one gradient on all devices`),
    async () => {
      const trace = newTrace();
      const { scope, params } = newScope(trace, { training: true });
      const ids = trace.source({ shape: [B, T], dtype: "u32" }, "batch", "ids");
      const targets = trace.source({ shape: [B, T], dtype: "u32" }, "batch", "targets");
      const loss = sum(crossEntropy(model(scope, ids), targets));
      const wanted = Object.fromEntries(params.map((p) => [`d ${p.name}`, p.tensor]));
      const results = { loss, ...gradientsOf(loss, wanted) };
      for (const fuse of [true, false]) {
        checkPlan(compile({ calls: trace.calls, constants: trace.constants, results }, { fuse }));
      }
      const values = {
        ids: idsOf(B * T, 0),
        targets: idsOf(B * T, 1),
        ...Object.fromEntries(params.map((p) => [p.name, someValues(p)])),
      };
      const want = await runTrace(openReference({ precision: "f64" }), results, values);
      const got = await runTrace(await gpu(), results, values);
      for (const [key, value] of Object.entries(want)) {
        assert(value.some((v) => v !== 0), `${key} is not zero`);
        assertLess(distance(got[key] as Float64Array, value), 1e-5, key);
      }
    },
  );
}

const SIDES = [
  ["the reference in f64", () => openReference({ precision: "f64" }), 1e-12],
  ["the GPU", gpu, 1e-5],
] as const;

for (const [place, open, bound] of SIDES) {
  Deno.test(
    onDevice(
      place,
      `attention by matrix products and softmax equals the attention op, on ${place}`,
    ),
    async () => {
      const trace = newTrace();
      const qkv = trace.source({ shape: [B, T, 3 * D], dtype: "f32" }, "batch", "qkv");
      const weights = uniforms(rootKey(3), B * T * D, [-1, 1]);
      const results: Record<string, Tensor> = {};
      for (
        const [name, y] of [
          ["op", attention(packedHeads(qkv, 2), { mask: { causal: true } })],
          ["products", attentionByProducts(qkv, 2)],
        ] as const
      ) {
        assertEquals(y.shape, [B, T, D]);
        results[name] = y;
        results[`d ${name}`] = gradientsOf(weightedSum([[y, weights]]), { d: qkv }).d as Tensor;
      }
      const values = { qkv: uniforms(rootKey(4), sizeOf(qkv.shape), [-2, 2]) };
      const found = await runTrace(await open(), results, values);
      for (const prefix of ["", "d "]) {
        const [op, products] = [found[`${prefix}op`], found[`${prefix}products`]];
        assertLess(distance(products as Float64Array, op as Float64Array), bound, prefix);
      }
    },
  );
}
