/** Tests that a product's kernel is not printed for epilogue inputs that do not broadcast. */
import { assertRejects } from "@std/assert";
import { matmulOp } from "../../kernels/matmul/mod.ts";
import { openCpu } from "../../src/device/cpu.ts";
import { add, type Expr, formula } from "../../src/graph/formula.ts";
import type { Spec } from "../../src/graph/types.ts";
import { planOf } from "../../src/testing/cases.ts";

const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });
const epilogue = formula(2, (sum, x) => add(sum as Expr, x as Expr));

for (const shape of [[3], [12], [6, 2], [2, 8], [7, 8], [96]]) {
  Deno.test(`an epilogue of a product [6, 8] does not read [${shape}]`, async () => {
    const device = openCpu();
    const plan = planOf(matmulOp, [f32(6, 5), f32(5, 8), f32(...shape)], { epilogue });
    await assertRejects(
      () => device.load(plan, device.memory()),
      RangeError,
      "does not broadcast to [6,8]",
    );
  });
}

for (const shape of [[1], [8], [6, 8], [6, 1]]) {
  Deno.test(`an epilogue of a product [6, 8] reads [${shape}]`, async () => {
    const device = openCpu();
    const plan = planOf(matmulOp, [f32(6, 5), f32(5, 8), f32(...shape)], { epilogue });
    await device.load(plan, device.memory());
  });
}
