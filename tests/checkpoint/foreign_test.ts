/**
 * Safetensors files of other programs: 16-bit floats widen to f32 exactly, other dtypes are listed.
 */
import { assertEquals, assertRejects } from "@std/assert";
import { Damage } from "../../src/checkpoint/damage.ts";
import { readForeign } from "../../src/checkpoint/tensors/foreign.ts";
import { widened } from "../../src/checkpoint/tensors/widen.ts";
import { foreignFile } from "../support/foreign.ts";
import { TempFolder } from "./fixture.ts";

function bytesOfHalves(...halves: readonly number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Uint16Array.from(halves).buffer);
}

Deno.test("widened() gives the values of F16: normal, subnormal, zeros, the ends", () => {
  const bytes = bytesOfHalves(0x3c00, 0xc100, 0x7bff, 0x0400, 0x0001, 0x8000, 0xfc00, 0x7e00);
  const want = Float32Array.of(1, -2.5, 65504, 2 ** -14, 2 ** -24, -0, -Infinity, NaN);
  assertEquals(widened("F16", bytes), want);
});

Deno.test("widened() takes a BF16 for the upper half of an F32", () => {
  const bytes = bytesOfHalves(0x3f80, 0xc049, 0x7f80, 0x0001, 0x8000);
  const want = Float32Array.of(1, -3.140625, Infinity, 2 ** -133, -0);
  assertEquals(widened("BF16", bytes), want);
});

Deno.test("readForeign() reads unaligned tensors and lists those of other dtypes", async () => {
  using temp = new TempFolder();
  const path = `${temp.path}/x`;
  const floats = new Uint8Array(Float32Array.of(1.5, -2).buffer);
  Deno.writeFileSync(
    path,
    foreignFile({
      mask: ["BOOL", [3], Uint8Array.of(1, 0, 1)],
      w: ["F32", [2], floats],
      h: ["F16", [1, 1], bytesOfHalves(0x3c00)],
      n: ["I64", [1], new Uint8Array(8)],
    }),
  );
  const { tensors, others } = await readForeign(path);
  assertEquals([...tensors.values()], [
    { name: "w", shape: [2], data: Float32Array.of(1.5, -2) },
    { name: "h", shape: [1, 1], data: Float32Array.of(1) },
  ]);
  assertEquals([...others], [["mask", "BOOL"], ["n", "I64"]]);
});

Deno.test("readForeign() refuses truncated files, unknown dtypes and wrong sizes", async () => {
  using temp = new TempFolder();
  const path = `${temp.path}/x`;
  const good = foreignFile({ w: ["BF16", [2], bytesOfHalves(1, 2)] });
  const bad: readonly (readonly [Uint8Array, string])[] = [
    [good.subarray(0, 5), "too short for a header"],
    [good.subarray(0, 30), "shorter than its header"],
    [good.subarray(0, -1), "has 3 bytes of data: its header names 4"],
    [foreignFile({ w: ["F8_E4M3", [2], new Uint8Array(2)] }), "has a dtype other than F32, F16"],
    [foreignFile({ w: ["F16", [3], new Uint8Array(4)] }), "[3] does not fill its 4 bytes"],
    [foreignFile({ w: ["toString", [4], new Uint8Array(4)] }), "has a dtype other than"],
  ];
  for (const [bytes, reason] of bad) {
    Deno.writeFileSync(path, bytes);
    await assertRejects(() => readForeign(path), Damage, reason);
  }
  await assertRejects(() => readForeign(`${temp.path}/none`), Damage, "is missing");
});
