/** Tests fused multiply-add: the probe, and the printing for a machine without it. */
import { assertEquals } from "@std/assert";
import { kernelClass } from "../../src/graph/target.ts";
import { type CpuOptions, openCpu } from "../../src/device/cpu.ts";
import { machineFuses } from "../../src/wasm/fuses.ts";
import { f32x4 } from "../../src/wasm/vectors.ts";
import { runFunction } from "./run.ts";

/** Of a = 1 + 2^-12: a * a - (1 + 2^-11) and (1 + 2^-11) - a * a. */
function residues(fuses: boolean): number[] {
  const [, , out] = runFunction(
    [Array(4).fill(1 + 2 ** -12), Array(4).fill(1 + 2 ** -11), Array(8).fill(0)],
    (b, at) => {
      const [x, y] = [b.let(b.load(at(0))), b.let(b.load(at(1)))];
      b.store(at(2), f32x4.madd(x, x, f32x4.neg(y)));
      b.store(at(2).plus(16), f32x4.nmadd(x, x, y));
    },
    { fuses },
  );
  return Array.from(out as Float32Array);
}

Deno.test("machineFuses() tells what the machine does", () => {
  const expected = machineFuses() ? 2 ** -24 : 0;
  assertEquals(residues(true), [...Array(4).fill(expected), ...Array(4).fill(0 - expected)]);
});

Deno.test("without fused multiply-add a product is rounded before the sum", () => {
  assertEquals(residues(false), Array(8).fill(0));
});

Deno.test("unfused sums of products take their operands in order, also when nested", () => {
  for (const fuses of [true, false]) {
    const [, out] = runFunction([[2, 3, 5, 7], [0, 0, 0, 0]], (b, at) => {
      const x = b.let(b.load(at(0)));
      const [one, ten] = [f32x4.splat(1), f32x4.splat(10)];
      // (10 - x * x) * (x * 10 + 1) + (x * x + 10)
      b.store(
        at(1),
        f32x4.madd(f32x4.nmadd(x, x, ten), f32x4.madd(x, ten, one), f32x4.madd(x, x, ten)),
      );
    }, { fuses });
    const want = [2, 3, 5, 7].map((x) => (10 - x * x) * (x * 10 + 1) + (x * x + 10));
    assertEquals(Array.from(out as Float32Array), want);
  }
});

Deno.test("a CPU device without fused multiply-add is of another class", () => {
  const classOf = (options?: CpuOptions) => kernelClass(openCpu(options).target);
  assertEquals(classOf({ fuses: true }), "wasm");
  assertEquals(classOf({ fuses: false }), "wasm, unfused");
  assertEquals(classOf(), classOf({ fuses: machineFuses() }));
  assertEquals(classOf({ pairs: true }), classOf({ pairs: false }));
});
