/** Addresses of named tensors. */
import { assertEquals, assertThrows } from "@std/assert";
import { pointwise } from "../../kernels/pointwise/mod.ts";
import { newTrace } from "../../src/graph/trace.ts";
import { GELU } from "../../src/nn/formulas.ts";
import { compile } from "../../src/plan/compile.ts";

function graphOf(length: number) {
  const trace = newTrace();
  const x = trace.source({ shape: [length], dtype: "f32" }, "param", "x");
  const y = pointwise(GELU, [x]);
  const { calls, constants } = trace;
  return { trace, x, y, graph: { calls, constants, results: { y } } };
}

Deno.test("named tensors without an address get slots of their names", () => {
  const { graph } = graphOf(5);
  assertEquals(compile(graph).slots, [
    { name: "y", role: "scalar", size: 5 },
    { name: "x", role: "param", size: 5 },
  ]);
  const plan = compile(graph, {
    source: () => ({ slot: "vector", role: "param", offset: 64 }),
    sizes: { vector: 128 },
  });
  assertEquals(plan.slots[1], { name: "vector", role: "param", size: 128 });
  assertEquals(plan.named.x?.offset, 64);
});

Deno.test("a slot grows to the tensors placed in it", () => {
  const { graph } = graphOf(5);
  const place = (offset: number) => () => ({ slot: "both", role: "param" as const, offset });
  const plan = compile(graph, { source: place(128), result: place(0) });
  assertEquals(plan.slots, [{ name: "both", role: "param", size: 133 }]);
});

Deno.test("one tensor cannot be two results", () => {
  const { y, graph } = graphOf(5);
  const results = { y, again: y };
  assertThrows(() => compile({ ...graph, results }), RangeError, "Cannot place result again");
});

Deno.test("constants that no call reads are left out", () => {
  const { trace, x } = graphOf(4);
  trace.constant([4], new Float32Array(4));
  const used = trace.constant([4], Float32Array.of(1, 2, 3, 4));
  const z = pointwise(GELU, [used]);
  const { calls, constants } = trace;
  const plan = compile({ calls, constants, results: { z } });
  assertEquals(plan.constants.map(({ data }) => [...data]), [[1, 2, 3, 4]]);
  assertEquals(Object.keys(plan.named).includes(x.name as string), false);
});
