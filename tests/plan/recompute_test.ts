/** Rematerialisation of cheap calls: less memory, the same bits. */
import type { GptConfig } from "../../src/models/gpt/mod.ts";
import { assert, assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import { matmul } from "../../kernels/matmul/mod.ts";
import { pointwise } from "../../kernels/pointwise/mod.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { newTrace } from "../../src/graph/trace.ts";
import { GELU } from "../../src/nn/formulas.ts";
import { compile } from "../../src/plan/compile.ts";
import { prune } from "../../src/plan/fuse.ts";
import { recompute } from "../../src/plan/recompute.ts";
import { gradientPlan, shapeOf, traceGradient } from "../../src/engine/plans.ts";
import { onGpu, sharedGpu } from "../support/gpu.ts";
import { tinyConfig } from "../support/gpt.ts";
import { checkPlan } from "../support/graph/plan_laws.ts";
import { loadGraph, resultsOf } from "../support/graph/traced.ts";

const VOCABULARY = 29;
const gpu = sharedGpu();

const CONFIGS: Readonly<Record<string, RunConfig>> = {
  plain: tinyConfig({ micro_batch_size: 4, window: 32, model: { layers: 3 } }),
  "dropout, tied": tinyConfig({ model: { layers: 2, dropout: 0.2, tie_embeddings: true } }),
  "odd sizes": tinyConfig({
    micro_batch_size: 3,
    window: 7,
    model: { layers: 2, width: 9, heads: 3 },
  }),
};

for (const [name, config] of Object.entries(CONFIGS)) {
  Deno.test(
    onGpu(`a gradient with recomputation has the same bits in less memory: ${name}`),
    async () => {
      const traced = traceGradient(config, VOCABULARY);
      const { graph, params } = traced;
      const [kept, again] = [compile(graph), compile(graph, { recomputeAbove: 1 })];
      checkPlan(again);
      assertEquals(again.calls.length, kept.calls.length + (config.model as GptConfig).layers);
      assertLess(again.pooled.bytes, kept.pooled.bytes);
      const values = async (least?: number) => {
        const device = await gpu();
        // Recomputation is applied to the graph before it is loaded.
        const wanted = new Set(Object.values(graph.results));
        const calls = least === undefined ? undefined : recompute(prune(graph), wanted, { least });
        const loaded = await loadGraph(device, { ...graph, ...calls && { calls } }, {
          params,
          config,
          vocabulary: VOCABULARY,
        });
        return await resultsOf(loaded, graph);
      };
      assertEquals(await values(1), await values());
    },
  );
}

Deno.test("small plans are unchanged; a large one saves a fifth of its memory", () => {
  const small = tinyConfig({ model: { layers: 4 } });
  const { layout } = shapeOf(small, VOCABULARY);
  const { graph } = traceGradient(small, VOCABULARY);
  assertEquals(
    gradientPlan(small, VOCABULARY, layout).calls.length,
    compile(graph, { recomputeAbove: Infinity }).calls.length,
  );
  const large = tinyConfig({
    micro_batch_size: 8,
    window: 256,
    model: { layers: 12, width: 768, heads: 12 },
  });
  const { graph: wide } = traceGradient(large, VOCABULARY);
  const [kept, again] = [compile(wide, { recomputeAbove: Infinity }), compile(wide)];
  assertEquals(again.calls.length - kept.calls.length, 12);
  assertLessOrEqual(again.pooled.bytes, 0.8 * kept.pooled.bytes);
});

/** z, or x w instead -> gelu(z) -> many products -> one that reads gelu(z) again. */
function chain({ product }: { product: boolean }) {
  const trace = newTrace();
  const source = (name: string) => trace.source({ shape: [4, 4], dtype: "f32" }, "batch", name);
  const [x, w] = [source("x"), source("w")];
  const z = product ? matmul(x, w) : x;
  const g = pointwise(GELU, [z]);
  let far = matmul(g, w);
  for (let i = 0; i < 12; i++) far = matmul(far, w);
  return { calls: trace.calls, z, g, y: matmul(g, far) };
}

Deno.test("a tensor is recomputed right before its late reader, from tensors that are alive", () => {
  const { calls: before, z, g, y } = chain({ product: false });
  const calls = recompute(before, new Set([y]), { least: 64 }) ?? [];
  assertEquals(calls.length, before.length + 1);
  const [again, last] = calls.slice(-2);
  assertEquals([again?.op.name, again?.inputs], ["pointwise", [z]]);
  assert(last?.inputs[0] === again?.outputs[0] && last?.inputs[0] !== g);
  assert(calls[1]?.inputs[0] === g);
});

Deno.test("small tensors, results, and tensors with dead inputs are not recomputed", () => {
  const { calls, g, y } = chain({ product: false });
  assertEquals(recompute(calls, new Set([y]), { least: 65 }), undefined);
  assertEquals(recompute(calls, new Set([g, y]), { least: 1 }), undefined);
  const made = chain({ product: true });
  assertEquals(recompute(made.calls, new Set([made.y]), { least: 1 }), undefined);
});
