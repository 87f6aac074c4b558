/** The WGSL of formulas: literals, and common subexpression elimination. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { pointwiseOp } from "../../kernels/pointwise/mod.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Device } from "../../src/device/types.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";
import * as f from "../../src/graph/formula.ts";
import type { Expr } from "../../src/graph/formula.ts";
import { literal, printFormula } from "../../src/graph/formula_wgsl.ts";
import { GELU } from "../../src/nn/formulas.ts";
import { planOf } from "../../src/testing/cases.ts";
import { onGpu } from "../support/gpu.ts";

const PLACES = { input: ["a", "b", "c"], index: "i" };

Deno.test("literal() prints f32 literals, whole numbers and exponents included", () => {
  const printed = [0, 1, -2, 0.5, 1e21, -1e-7, 2 ** 24].map(literal);
  assertEquals(printed, [
    "0.0f",
    "1.0f",
    "-2.0f",
    "0.5f",
    "1.0000000200408773e+21f",
    "-1.0000000116860974e-7f",
    "16777216.0f",
  ]);
});

Deno.test("literal() throws for numbers that f32 cannot represent", () => {
  for (const value of [NaN, Infinity, -Infinity, 1e39]) {
    assertThrows(() => literal(value), RangeError, "not finite");
  }
});

Deno.test("equal expressions are computed once, even as different objects", () => {
  // The product is built three times and used in two outputs.
  const product = (x: Expr, y: Expr) => f.mul(x, y);
  const formula = f.formula(2, (x, y) => {
    const [a, b] = [x as Expr, y as Expr];
    return [f.exp(product(a, b)), f.add(f.exp(product(a, b)), product(a, b))];
  });
  const { lines, outputs } = printFormula(formula, PLACES);
  const texts = lines.map((line) => line.replace(/^let \w+ = /, ""));
  assertEquals(texts.length, 3);
  assertEquals(new Set(texts).size, 3);
  assertEquals(outputs, ["t1", "t2"]);
  assertEquals(lines[0], "let t0 = a * b;");
});

Deno.test("the WGSL of GELU computes nothing twice", () => {
  for (const width of [1, 4] as const) {
    const { lines } = printFormula(GELU, { ...PLACES, width });
    const texts = lines.map((line) => line.replace(/^let \w+ = /, ""));
    assertEquals(new Set(texts).size, texts.length);
  }
});

Deno.test("masks of one key and site are drawn once, of two sites twice", () => {
  const masks = (...sites: number[]) =>
    f.formula(2, (x, key) => sites.map((s) => f.mul(x as Expr, f.mask(key as Expr, s, 0.5))));
  const draws = (...sites: number[]) =>
    printFormula(masks(...sites), PLACES).lines.join("\n").split("threefry(").length - 1;
  assertEquals([draws(3), draws(3, 3), draws(3, 4)], [1, 1, 2]);
});

Deno.test("prefixes keep two printed formulas apart", () => {
  const { lines, outputs } = printFormula(GELU, { ...PLACES, prefix: "g" });
  assert(lines.every((line) => line.startsWith("let g")));
  assertStringIncludes(outputs[0] ?? "", "g");
});

Deno.test("an infinite constant in a formula throws when it is printed", () => {
  const formula = f.formula(1, (x) => f.add(x as Expr, Infinity));
  assertThrows(() => printFormula(formula, PLACES), RangeError, "not finite");
});

/** y0 of a formula over x on a device. */
async function apply(device: Device, formula: f.Formula, x: Float32Array): Promise<Float32Array> {
  const memory = device.memory();
  const plan = planOf(pointwiseOp, [{ shape: [x.length], dtype: "f32" }], { formula });
  const program = await device.load(plan, memory);
  memory.write("x0", x);
  program.run();
  return await memory.read([{ slot: "y0", offset: 0, length: x.length }]);
}

Deno.test(
  onGpu("every function and operator on the GPU matches its evaluation in f64"),
  async () => {
    const device = await openWebGpu({ runtime: Deno.version.deno });
    const reference = openReference();
    const x = Float32Array.from({ length: 44 }, (_, i) => (i - 21) / 8);
    const bodies: Readonly<Record<string, (x: Expr) => Expr>> = {
      neg: f.neg,
      exp: f.exp,
      log: (e) => f.log(f.add(f.mul(e, e), 0.5)),
      tanh: f.tanh,
      sqrt: (e) => f.sqrt(f.mul(e, e)),
      sin: f.sin,
      cos: f.cos,
      sign: f.sign,
      add: (e) => f.add(e, -3),
      sub: (e) => f.sub(f.neg(e), -3),
      mul: (e) => f.mul(e, f.neg(e)),
      div: (e) => f.div(f.sub(0, e), f.add(f.mul(e, e), 1)),
      max: (e) => f.max(e, f.mul(e, e)),
      min: (e) => f.min(e, f.mul(e, e)),
      select: (e) => f.select(e, f.mul(e, 3), -1e-3),
    };
    for (const [name, body] of Object.entries(bodies)) {
      const formula = f.formula(1, (e) => body(e as Expr));
      const [got, want] = [await apply(device, formula, x), await apply(reference, formula, x)];
      got.forEach((v, i) => {
        const error = Math.abs(v - (want[i] as number));
        // WGSL allows sin and cos 2^-11 on [-pi, pi]; the others are tighter here.
        const bound = (name === "sin" || name === "cos" ? 2 ** -11 : 2 ** -19) *
          Math.max(1, Math.abs(want[i] as number));
        assert(error <= bound, `${name} at ${x[i]}: ${v}, not ${want[i]}`);
      });
    }
    device.close();
  },
);

Deno.test(onGpu("exp and tanh on the GPU stay finite far outside"), async () => {
  const device = await openWebGpu({ runtime: Deno.version.deno });
  const x = Float32Array.of(-1000, -100, 100, 1000);
  const tanh = await apply(device, f.formula(1, (e) => f.tanh(e as Expr)), x);
  assertEquals([...tanh].map((v) => Math.round(v * 1e6) / 1e6), [-1, -1, 1, 1]);
  const exp = await apply(device, f.formula(1, (e) => f.exp(e as Expr)), x);
  assert(exp.every((v) => Number.isFinite(v) && v >= 0), `${exp}`);
  assertEquals([exp[0], exp[1]], [0, 0]);
  device.close();
});
