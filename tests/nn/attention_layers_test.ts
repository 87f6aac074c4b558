/** Attention layers with projections: declared parameters, traced calls, what they refuse. */
import { assertEquals, assertThrows } from "@std/assert";
import { newTrace } from "../../src/graph/trace.ts";
import { crossAttention, selfAttention } from "../../src/nn/attention_layers.ts";
import { newScope } from "../../src/nn/scope.ts";

function setting({ training = true, decode = false } = {}) {
  const trace = newTrace();
  const made = newScope(trace, { training, ...decode && { decode: { context: 16 } } });
  const source = (...shape: number[]) => trace.source({ shape, dtype: "f32" }, "batch", "x");
  const ids = (...shape: number[]) => trace.source({ shape, dtype: "u32" }, "batch", "ids");
  return { ...made, trace, source, ids };
}

/** Names and attributes of the attention calls of a trace. */
function attended({ calls }: ReturnType<typeof newTrace>) {
  return calls.filter(({ op }) => op.name.includes("attention")).map(({ op, attrs, inputs }) => ({
    name: op.name,
    attrs,
    shapes: inputs.map(({ shape }) => shape),
  }));
}

Deno.test("selfAttention() projects to packed heads and back", () => {
  const { scope, params, source, trace } = setting();
  const y = selfAttention(scope, source(2, 5, 12), { heads: 3, causal: false });
  assertEquals(y.shape, [2, 5, 12]);
  assertEquals(params.map(({ name, shape }) => [name, ...shape]), [
    ["qkv.weight", 12, 36],
    ["qkv.bias", 36],
    ["out.weight", 12, 12],
    ["out.bias", 12],
  ]);
  assertEquals(attended(trace), [{ name: "attention", attrs: { heads: 3 }, shapes: [[2, 5, 36]] }]);
});

Deno.test("selfAttention() shares heads of keys and values, and takes masks and biases", () => {
  const { scope, source, trace } = setting();
  const options = { heads: 4, kvHeads: 2, headWidth: 5, dropout: 0.1, alibi: [1, 1, 1, 1] };
  const mask = { window: 3 };
  const y = selfAttention(scope, source(2, 6, 12), { ...options, ...mask, into: { bias: false } });
  assertEquals(y.shape, [2, 6, 12]);
  const [call] = attended(trace);
  assertEquals(call?.shapes, [[2, 6, 40], [2]]);
  assertEquals(call?.attrs, {
    ...{ heads: 4, kvHeads: 2, causal: true, window: 3, alibi: [1, 1, 1, 1] },
    dropout: { site: 0, keep: 0.9 },
  });
});

Deno.test("selfAttention() rotates queries and keys, and not values", () => {
  const { scope, source, trace } = setting();
  const seen: unknown[] = [];
  selfAttention(scope, source(2, 6, 12), {
    ...{ heads: 3, kvHeads: 1 },
    rotate: ({ of, ...columns }) => {
      seen.push(columns);
      return of;
    },
  });
  assertEquals(seen, [{ first: 0, heads: 4, width: 4 }]);
  assertEquals(attended(trace).length, 1);
});

Deno.test("crossAttention() attends to a memory of another length and width", () => {
  const { scope, params, source, trace, ids } = setting();
  const options = { heads: 2, lengths: ids(3) };
  const y = crossAttention(scope, source(3, 4, 8), source(3, 7, 6), options);
  assertEquals(y.shape, [3, 4, 8]);
  assertEquals(params.map(({ name, shape }) => [name, ...shape]), [
    ["q.weight", 8, 8],
    ["q.bias", 8],
    ["kv.weight", 6, 16],
    ["kv.bias", 16],
    ["out.weight", 8, 8],
    ["out.bias", 8],
  ]);
  assertEquals(attended(trace), [{
    name: "attention",
    attrs: { heads: 2, layout: "q,kv", lengths: true },
    shapes: [[3, 4, 8], [3, 7, 16], [3]],
  }]);
});

Deno.test("self-attention decodes with a cache, cross attention without", () => {
  const self = setting({ training: false, decode: true });
  selfAttention(self.scope, self.source(2, 1, 12), {
    ...{ heads: 3, kvHeads: 1, dropout: 0.5 },
    window: 5,
  });
  assertEquals(self.caches.map(({ shape }) => shape), [[2, 16, 8]]);
  assertEquals(attended(self.trace).map(({ name, attrs }) => [name, attrs.window]), [
    ["cached_attention", 5],
  ]);
  const cross = setting({ training: false, decode: true });
  crossAttention(cross.scope, cross.source(2, 1, 12), cross.source(2, 9, 12), { heads: 3 });
  assertEquals(cross.caches, []);
  assertEquals(attended(cross.trace).map(({ shapes }) => shapes.length), [3]);
});

Deno.test("attention layers refuse heads that do not divide the width", () => {
  const { scope, source } = setting();
  const x = source(2, 1, 10);
  assertThrows(() => selfAttention(scope, x, { heads: 3 }), RangeError, "10 is no multiple");
  assertThrows(() => crossAttention(scope, x, x, { heads: 4 }), RangeError, "10 is no multiple");
});
