/** Flat vectors: read over all buckets, hashed in chunks, and fault injection. */
import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { bytesOf, sha256 } from "../../src/base/hash.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Device } from "../../src/device/types.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";
import { bucketSlot, layOut } from "../../src/plan/layout.ts";
import { Vectors } from "../../src/engine/vectors.ts";
import { onDevice, onGpu } from "../support/gpu.ts";

/** Buckets of 192, 192 and 64 elements: parameters of 100, 60 and 180, and the loss. */
const LAYOUT = layOut(
  [100, 60, 180].map((n, i) => ({ name: `p${i}`, shape: [n], decay: true })),
  { bucket: 192 },
);
const LENGTH = 448;

function vectorsOn(device: Device, chunk?: number) {
  const memory = device.memory();
  for (const vector of ["a", "b"]) {
    LAYOUT.buckets.forEach((size, i) => memory.ensure(bucketSlot(vector, i), size));
  }
  return { memory, vectors: new Vectors(memory, LAYOUT, chunk === undefined ? {} : { chunk }) };
}

const counting = (from: number) => Float32Array.from({ length: LENGTH }, (_, i) => from + i);

Deno.test("the layout under test has three buckets", () => {
  assertEquals(LAYOUT.buckets, [192, 192, 64]);
});

for (const [name, open] of Object.entries({ reference: openReference, WebGPU: openWebGpu })) {
  Deno.test(
    onDevice(name, `${name}: a vector is written and read over all buckets, whatever the chunk`),
    async () => {
      const device = await open();
      for (const chunk of [undefined, 100, 64, 1000]) {
        const { memory, vectors } = vectorsOn(device, chunk);
        vectors.write("a", counting(1));
        vectors.write("b", counting(-500));
        assertEquals(await vectors.read("a"), counting(1));
        assertEquals(await vectors.read("b"), counting(-500));
        const [first] = await memory.read([{ slot: bucketSlot("a", 1), offset: 0, length: 1 }]);
        assertEquals(first, 193);
      }
      device.close();
    },
  );

  Deno.test(
    onDevice(name, `${name}: the hash is that of the bytes, whatever the chunk`),
    async () => {
      const device = await open();
      const want = sha256(bytesOf(counting(1)), bytesOf(counting(7)));
      for (const chunk of [undefined, 100, 64]) {
        const { vectors } = vectorsOn(device, chunk);
        vectors.write("a", counting(1));
        vectors.write("b", counting(7));
        assertEquals(await vectors.hash(["a", "b"]), want);
        assertNotEquals(await vectors.hash(["b", "a"]), want);
      }
      device.close();
    },
  );

  Deno.test(
    onDevice(name, `${name}: damage flips the bits told, of the element told, and flips them back`),
    async () => {
      const device = await open();
      const { vectors } = vectorsOn(device);
      vectors.write("a", counting(1));
      const before = await vectors.hash(["a"]);
      for (const element of [0, 191, 192, 447]) {
        for (const bit of [1, 2 ** 30, 2 ** 31]) {
          await vectors.damage("a", element, bit);
          const now = new Uint32Array((await vectors.read("a")).buffer);
          const old = new Uint32Array(counting(1).buffer);
          assertEquals(((now[element] as number) ^ (old[element] as number)) >>> 0, bit);
          assertEquals(now.filter((word, i) => word !== old[i]).length, 1);
          assertNotEquals(await vectors.hash(["a"]), before);
          await vectors.damage("a", element, bit);
          assertEquals(await vectors.hash(["a"]), before);
        }
      }
      vectors.poison("a", 200);
      const values = await vectors.read("a");
      assertEquals([...values].flatMap((v, i) => Number.isNaN(v) ? [i] : []), [200]);
      device.close();
    },
  );
}

Deno.test(
  onGpu("a read returns the vector at the time of the call, whatever is written after"),
  async () => {
    const device = await openWebGpu({ runtime: Deno.version.deno });
    const { vectors } = vectorsOn(device, 50);
    vectors.write("a", counting(1));
    const read = vectors.read("a");
    vectors.write("a", counting(2));
    assertEquals(await read, counting(1));
    device.close();
  },
);

Deno.test("wrong lengths and elements beyond the end are refused", async () => {
  const { vectors } = vectorsOn(openReference());
  assertThrows(() => vectors.write("a", new Float32Array(447)), RangeError, "448 elements: 447");
  for (const element of [-1, 448, 0.5]) {
    await assertRejects(() => vectors.damage("a", element, 1), RangeError);
  }
  assert((await vectors.read("a")).every((v) => v === 0));
});

Deno.test("each write of the host makes another version of its vector, and of no other", async () => {
  const { vectors } = vectorsOn(openReference());
  const writes = [
    () => vectors.write("a", counting(1)),
    () => vectors.writeBucket("a", 0, Float32Array.of(1)),
    () => vectors.poison("a", 0),
    () => vectors.damage("a", 0, 1),
  ];
  for (const write of writes) {
    const before = vectors.version("a");
    await write();
    assert(vectors.version("a") > before, String(write));
    assertEquals(vectors.version("b"), 0);
  }
});
