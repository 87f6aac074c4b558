/** Tests the encoder of WebAssembly: integers of variable length, sections, and constants. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Body } from "../../src/wasm/body.ts";
import { codeBytes, encodeBody, signed, signed64, unsigned } from "../../src/wasm/encode.ts";
import { ModuleBuilder } from "../../src/wasm/module.ts";
import { I32 } from "../../src/wasm/values.ts";
import { f32x4 } from "../../src/wasm/vectors.ts";
import { runFunction } from "./run.ts";

/** Numbers at which the length of an encoding or the sign bit changes. */
const EDGES = [0, 1, 63, 64, 65, 127, 128, 129, 8191, 8192, 16383, 16384, 2 ** 20 - 1, 2 ** 20];
const SIGNED = [...EDGES, 2 ** 27 - 1, 2 ** 27, 2 ** 31 - 1].flatMap((n) => [n, -n, -n - 1]);

/** Decodes LEB128; with a sign when `bits` is given. */
function decode(bytes: readonly number[], bits?: number): bigint {
  let value = 0n;
  bytes.forEach((byte, i) => {
    assertEquals(byte >= 128, i < bytes.length - 1, "only the last byte ends the number");
    value |= BigInt(byte & 127) << BigInt(7 * i);
  });
  if (bits === undefined) return value;
  const size = 7 * bytes.length;
  return BigInt.asIntN(Math.min(size, bits), value);
}

Deno.test("unsigned() encodes edges of LEB128 without surplus bytes", () => {
  for (const n of [...EDGES, 2 ** 28, 2 ** 31, 2 ** 32 - 1]) {
    const bytes = unsigned(n);
    assertEquals(decode(bytes), BigInt(n));
    assertEquals(bytes.length, Math.max(1, Math.ceil(n.toString(2).length / 7)));
  }
  assertEquals(unsigned(624485), [0xe5, 0x8e, 0x26]);
});

Deno.test("signed() encodes edges of LEB128 without surplus bytes", () => {
  for (const n of SIGNED) {
    const bytes = signed(n);
    assertEquals(decode(bytes, 32), BigInt(n));
    const magnitude = n < 0 ? -n - 1 : n;
    const bits = magnitude === 0 ? 1 : magnitude.toString(2).length + 1;
    assertEquals(bytes.length, Math.ceil(bits / 7), `length of ${n}`);
  }
  assertEquals(signed(-123456), [0xc0, 0xbb, 0x78]);
  assertEquals(signed(2 ** 32 - 1), signed(-1));
});

Deno.test("signed64() encodes the low 64 bits of integers", () => {
  for (const n of SIGNED) assertEquals(signed64(BigInt(n)), signed(n));
  const wide = [2n ** 62n, 2n ** 63n - 1n, -(2n ** 63n), 0x123456789abcdefn, -0x123456789abcdefn];
  for (const n of wide) assertEquals(decode(signed64(n), 64), n);
  assertEquals(signed64(2n ** 64n - 1n), [0x7f]);
  assertEquals(signed64(2n ** 70n + 5n), [5]);
});

Deno.test("I32.of(): V8 reads the constants that were written", () => {
  const [, out] = runFunction([[], SIGNED.map(() => 0)], (b, at) => {
    SIGNED.forEach((n, i) => b.storeInt(at(1).plus(4 * i), I32.of(n)));
  }) as [unknown, Float32Array<ArrayBuffer>];
  assertEquals(Array.from(new Int32Array(out.buffer)), SIGNED);
});

Deno.test("codeBytes() joins nested code of any length in order", () => {
  const long = Array.from({ length: 10000 }, (_, i) => i % 256);
  const bytes = codeBytes([[], [1, [[2]], 3], [long], 4]);
  assertEquals(Array.from(bytes), [1, 2, 3, ...long, 4]);
  assertThrows(() => codeBytes([{ kind: "madd" }]), TypeError, "outside of a function");
});

/** Vector constants that the instructions of a function contain. */
function constantsIn(values: readonly number[]): number {
  const b = new Body(0, () => {
    throw new TypeError("Cannot define a function here");
  });
  values.forEach((value) => b.let(f32x4.splat(value)));
  const bytes = encodeBody(b.finish(), { fuses: true });
  return bytes.filter((byte, i) => byte === 0xfd && bytes[i + 1] === 12).length;
}

Deno.test("a function computes each constant once, except zeros", () => {
  assertEquals(constantsIn([1, 2, 1, 2, 2]), 2);
  assertEquals(constantsIn([1, 0, 0, 0]), 4);
  assertEquals(constantsIn([-0, -0]), 1);
});

Deno.test("constants keep their values beside hundreds of locals", () => {
  const count = 300;
  const [, out] = runFunction([[1, 2, 3, 4], new Float32Array(4)], (b, at) => {
    const x = b.let(b.load(at(0)));
    let sum = b.let(f32x4.splat(0));
    for (let i = 0; i < count; i++) sum = b.let(f32x4.add(sum, f32x4.mul(x, f32x4.splat(i))));
    b.store(at(1), sum);
  });
  const total = count * (count - 1) / 2;
  assertEquals(Array.from(out as Float32Array), [total, 2 * total, 3 * total, 4 * total]);
});

Deno.test("ModuleBuilder shares equal functions and numbers more than 127 of them", () => {
  const builder = new ModuleBuilder();
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const add = (value: number) =>
    builder.define({ areas: [{ name: "sum", bytes: 16 }] }, (b, [sum]) => {
      assert(sum !== undefined);
      b.store(b.at(sum), f32x4.add(b.load(b.at(sum)), f32x4.splat(value)));
    });
  const kernels = Array.from({ length: 200 }, (_, i) => add(i % 150));
  assertEquals(builder.bodies.length, 150);
  assertEquals(kernels[150]?.index, kernels[0]?.index);
  builder.sequence("run", kernels.map((kernel) => ({ kernel, addresses: [64] })));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(builder.encode()), {
    env: { memory },
  });
  (exports["run"] as () => void)();
  const total = 150 * 149 / 2 + 50 * 49 / 2;
  assertEquals(Array.from(new Float32Array(memory.buffer, 64, 4)), Array(4).fill(total));
});
