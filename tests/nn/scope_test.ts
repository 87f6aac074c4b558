import { assert, assertEquals, assertLess, assertNotEquals, assertThrows } from "@std/assert";
import { rootKey } from "../../src/base/random.ts";
import { newTrace } from "../../src/graph/trace.ts";
import { initialValues, newScope, RANDOM_KEY } from "../../src/nn/scope.ts";

const rootScope = (training = true) => newScope(newTrace(), { training });

Deno.test("names nest, and parameters are listed in order of declaration", () => {
  const { scope, params } = rootScope();
  const block = scope.in("blocks.0").in("qkv");
  block.param("weight", [2, 6], { kind: "ones" });
  block.param("bias", [6], { kind: "zeros" });
  scope.param("top", [1], { kind: "zeros" });
  assertEquals(params.map(({ name, decay }) => [name, decay]), [
    ["blocks.0.qkv.weight", true],
    ["blocks.0.qkv.bias", false],
    ["top", false],
  ]);
  assert(params.every(({ tensor, name }) => tensor.role === "param" && tensor.name === name));
});

Deno.test("the same full name is the same tensor, whatever the path of scopes", () => {
  const { scope, params } = rootScope();
  const first = scope.in("a").in("b").param("w", [3], { kind: "zeros" });
  const second = scope.in("a").in("b").param("w", [3], { kind: "zeros" });
  assert(first === second);
  assertEquals(params.length, 1);
  assert(scope.in("a").param("b.w", [3], { kind: "zeros" }) === first);
  assert(scope.in("a").param("w", [3], { kind: "zeros" }) !== first);
});

Deno.test("random() returns one key for all calls and a unique site for each", () => {
  const { scope } = rootScope();
  const draws = [scope.random(), scope.in("a").random(), scope.in("a").random()];
  assertEquals(draws.map(({ site }) => site), [0, 1, 2]);
  assertEquals(new Set(draws.map(({ key }) => key)).size, 1);
  assertEquals([draws[0]?.key.name, draws[0]?.key.dtype], [RANDOM_KEY, "u32"]);
});

Deno.test("initial values depend on key and name, not on order or shape", () => {
  const normal = { kind: "normal", std: 0.5 } as const;
  const values = (name: string, n: number, seed = 1) =>
    initialValues(rootKey(seed), { name, shape: [n], init: normal, decay: false });
  assertEquals(values("a", 10), values("a", 20).slice(0, 10));
  assertNotEquals(values("a", 10), values("b", 10));
  assertNotEquals(values("a", 10), values("a", 10, 2));
  const n = 1 << 14;
  const variance = values("a", n).reduce((sum, v) => sum + v * v, 0) / n;
  assertLess(Math.abs(variance / 0.25 - 1), 5 * Math.sqrt(2 / n));
});

Deno.test("inits zeros and ones fill with 0 and 1", () => {
  const at = (
    kind: "zeros" | "ones",
  ) => [...initialValues(rootKey(1), { name: "x", shape: [2, 2], init: { kind }, decay: true })];
  assertEquals([at("zeros"), at("ones")], [[0, 0, 0, 0], [1, 1, 1, 1]]);
});

Deno.test("caches have unique names, and share the positions of the new tokens", () => {
  const trace = newTrace();
  const { scope, caches } = newScope(trace, { training: false, decode: { context: 9 } });
  const cache = scope.in("a").cache("cache", [2, 9, 4]);
  assertEquals([cache.name, cache.role, caches[0]], ["a.cache", "carry", cache]);
  assertThrows(() => scope.cache("a.cache", [2, 9, 4]), RangeError, "there is one of that name");
  assert(scope.positions(3) === scope.in("b").positions(3));
  assertEquals([scope.decode?.context, rootScope().scope.decode], [9, undefined]);
});
