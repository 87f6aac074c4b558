/** Tests the random generator of the CPU device against the one of the host. */
import { assertEquals } from "@std/assert";
import { rootKey, threefry } from "../../src/base/random.ts";
import { threefryVector } from "../../src/wasm/random.ts";
import { compileFunction } from "./run.ts";

Deno.test("threefryVector() gives the first words of threefry() at any key, counter and site", () => {
  const edges = [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 1, 123456789, 8];
  const keys = [rootKey(7), [0, 0], [2 ** 32 - 1, 2 ** 32 - 1], [1, 2 ** 31]] as const;
  for (const site of [0, 5, 2 ** 31, 2 ** 32 - 1]) {
    const { views, run } = compileFunction([2, 8, 8], (b, at) => {
      const key = [b.loadSplat(at(0)), b.loadSplat(at(0).plus(4))] as const;
      for (const bytes of [0, 16]) {
        b.store(at(2).plus(bytes), threefryVector(b, key, b.load(at(1).plus(bytes)), site));
      }
    });
    const [key, counters, words] = views.map(({ buffer, byteOffset, length }) =>
      new Uint32Array(buffer, byteOffset, length)
    ) as [Uint32Array, Uint32Array, Uint32Array];
    counters.set(edges);
    for (const each of keys) {
      key.set(each);
      run();
      assertEquals(Array.from(words), edges.map((counter) => threefry(each, counter, site)[0]));
    }
  }
});
