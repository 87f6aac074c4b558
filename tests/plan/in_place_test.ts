/** In-place updates: tensors that share one buffer. */
import { assertEquals, assertThrows } from "@std/assert";
import { addProduct, matmul } from "../../kernels/matmul/mod.ts";
import { pointwise } from "../../kernels/pointwise/mod.ts";
import { treeAddTensors } from "../../kernels/reduce/mod.ts";
import { openReference } from "../../src/device/reference.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Call, Tensor } from "../../src/graph/types.ts";
import { GELU } from "../../src/nn/formulas.ts";
import { compile } from "../../src/plan/compile.ts";
import { checkPlan } from "../support/graph/plan_laws.ts";

/** Products of a and b, each accumulated onto the previous one. */
function products(count: number) {
  const trace = newTrace();
  const [a, b] = ["a", "b"].map((name) =>
    trace.source({ shape: [2, 2], dtype: "f32" }, "batch", name)
  ) as [Tensor, Tensor];
  const sums = [matmul(a, b)];
  for (let i = 1; i < count; i++) {
    matmul(a, b);
    const call = trace.calls.at(-1) as Call<Tensor>;
    sums.push(addProduct(sums.at(-1) as Tensor, call) as Tensor);
  }
  return { trace, a, sums: sums as [Tensor, ...Tensor[]] };
}

Deno.test("a sum accumulated in place uses one slot, the result's if it is a result", async () => {
  const { trace, sums } = products(3);
  const y = pointwise(GELU, [sums[2] as Tensor]);
  const { calls, constants } = trace;
  const local = compile({ calls, constants, results: { y } });
  checkPlan(local);
  // The products that are not added are removed.
  assertEquals(local.calls.map(({ op }) => op.name), ["matmul", "matmul", "matmul", "pointwise"]);
  assertEquals(local.slots.filter(({ role }) => role === "local").length, 1);
  const result = compile({
    calls: calls.slice(0, -1),
    constants,
    results: { sum: sums[2] as Tensor },
  });
  checkPlan(result);
  assertEquals(result.slots.map(({ name }) => name).toSorted(), ["a", "b", "sum"]);
  const device = openReference();
  const memory = device.memory();
  const program = await device.load(result, memory);
  memory.write("a", Float32Array.of(1, 2, 3, 4));
  memory.write("b", Float32Array.of(1, 0, 0, 1));
  for (let run = 0; run < 2; run++) {
    program.run();
    const sum = await memory.read([{ slot: "sum", offset: 0, length: 4 }]);
    assertEquals([...sum], [3, 6, 9, 12]);
  }
});

Deno.test("in-place sums that no result needs are removed, updates of sources are not", () => {
  const { trace, a } = products(3);
  const y = pointwise(GELU, [a]);
  const kept = trace.source({ shape: [2, 2], dtype: "f32" }, "moment", "kept");
  treeAddTensors(treeAddTensors(kept, a), a);
  const { calls, constants } = trace;
  const names = compile({ calls, constants, results: { y } }).calls.map(({ op }) => op.name);
  assertEquals(names, ["pointwise", "tree_add", "tree_add"]);
});

Deno.test("reading an overwritten tensor throws", () => {
  const { trace, sums } = products(2);
  const y = pointwise(GELU, [sums[0]]);
  const { calls, constants } = trace;
  assertThrows(
    () => compile({ calls, constants, results: { y, sum: sums[1] as Tensor } }),
    RangeError,
    "Cannot run pointwise behind matmul: it reads what that overwrites",
  );
});
