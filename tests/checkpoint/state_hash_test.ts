import { assertEquals, assertGreater, assertNotEquals, assertThrows } from "@std/assert";
import { bytesOf, sha256 } from "../../src/base/hash.ts";
import { stateHash, stateHashAsync } from "../../src/checkpoint/state_hash.ts";
import { tensor } from "./fixture.ts";

const text = (line: string) => new TextEncoder().encode(line);

Deno.test("stateHash() hashes the documented bytes in order", () => {
  const [a, b, s] = [tensor("a", [2, 3]), tensor("B", [1]), tensor("s", [])];
  assertEquals(
    stateHash(12, { model: [a, b], optimizer: [s] }),
    sha256(
      text("shoal-state-1 12\n"),
      text("B 1\n"), // Capitals come first in code units.
      bytesOf(b.data),
      text("a 2x3\n"),
      bytesOf(a.data),
      text("s \n"),
      bytesOf(s.data),
    ),
  );
});

Deno.test("stateHash() does not depend on the order of the tensors", () => {
  const parts = [tensor("x", [2]), tensor("y", [2], 4), tensor("z", [2], 8)];
  assertEquals(
    stateHash(1, { model: parts, optimizer: [] }),
    stateHash(1, { model: parts.toReversed(), optimizer: [] }),
  );
});

Deno.test("stateHash() changes with the step, a name, a shape and a single bit", () => {
  const of = (step: number, name: string, shape: number[], first: number) =>
    stateHash(step, { model: [tensor(name, shape, first)], optimizer: [] });
  const base = of(1, "a", [4], 0);
  const zero = { name: "a", shape: [1], data: new Float32Array([0]) };
  const minus = { ...zero, data: new Float32Array([-0]) };
  for (const other of [of(2, "a", [4], 0), of(1, "b", [4], 0), of(1, "a", [2, 2], 0)]) {
    assertNotEquals(other, base);
  }
  assertNotEquals(
    stateHash(1, { model: [zero], optimizer: [] }),
    stateHash(1, { model: [minus], optimizer: [] }),
  );
});

Deno.test("stateHashAsync() gives the same hash, whatever the size of the tensors", async () => {
  const sizes = [0, 1, 2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 3 * 2 ** 20 + 7];
  const model = sizes.map((size, i) => tensor(`w${i}`, [size], i));
  const state = { model, optimizer: [tensor("m", [5])] };
  assertEquals(await stateHashAsync(9, state), stateHash(9, state));
});

Deno.test("stateHashAsync() yields to the event loop", async () => {
  const model = [tensor("w", [5 * 2 ** 20])];
  let turns = 0;
  const count = () => {
    turns++;
    timer = setTimeout(count, 0);
  };
  let timer = setTimeout(count, 0);
  await stateHashAsync(1, { model, optimizer: [] });
  clearTimeout(timer);
  assertGreater(turns, 1);
});

Deno.test("stateHash() refuses two tensors of one name", () => {
  const twice = [tensor("a", [1]), tensor("b", [1]), tensor("a", [2])];
  assertThrows(() => stateHash(1, { model: twice, optimizer: [] }), RangeError, "two are named a");
});
