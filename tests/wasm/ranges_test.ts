/** Tests that functions whose accesses are not provably inside their areas cannot be printed. */
import { assertThrows } from "@std/assert";
import { I32, type Pointer } from "../../src/wasm/values.ts";
import { f32x4 } from "../../src/wasm/vectors.ts";
import { compileFunction, type Print } from "./run.ts";

type Body = Parameters<Print>[0];

/** Elements of the arrays of each test: indices, then data. */
const SIZES = [4, 10];
const BYTES = 40;
const ONE = f32x4.splat(1);

const print = (body: Print) => void compileFunction(SIZES, body);

/** Accesses of `width` bytes at a pointer. */
const ACCESSES: readonly {
  readonly name: string;
  readonly width: number;
  readonly access: (b: Body, at: Pointer) => unknown;
}[] = [
  { name: "load()", width: 16, access: (b, at) => b.load(at) },
  { name: "loadSplat()", width: 4, access: (b, at) => b.loadSplat(at) },
  { name: "loadOne()", width: 4, access: (b, at) => b.loadOne(at) },
  { name: "loadSome() of 3", width: 12, access: (b, at) => b.loadSome(at, 3) },
  { name: "loadIndex()", width: 4, access: (b, at) => b.loadIndex(at, 5) },
  { name: "store()", width: 16, access: (b, at) => b.store(at, ONE) },
  { name: "storeOne()", width: 4, access: (b, at) => b.storeOne(at, ONE) },
  { name: "storeSome() of 2", width: 8, access: (b, at) => b.storeSome(at, ONE, 2) },
  { name: "storeInt()", width: 4, access: (b, at) => b.storeInt(at, I32.of(1)) },
  {
    name: "call()",
    width: 12,
    access: (b, at) =>
      b.call(b.define({ areas: [{ name: "three", bytes: 12 }] }, () => {}), { areas: [at] }),
  },
];

for (const { name, width, access } of ACCESSES) {
  Deno.test(`${name} is printed up to the end of its area, and not beyond`, () => {
    const last = BYTES - width;
    const refused = (body: Print) => assertThrows(() => print(body), RangeError, "Cannot print");
    print((b, at) => access(b, at(1).plus(last)));
    refused((b, at) => access(b, at(1).plus(last + 1)));
    refused((b, at) => access(b, at(1).plus(last + 4)));
    refused((b, at) => access(b, at(1).plus(-4)));
    // By an index from data: it may be anything below its bound.
    const indices = Math.floor(last / 4) + 1;
    print((b, at) => access(b, at(1).plus(b.loadIndex(at(0), indices).times(4))));
    refused((b, at) => access(b, at(1).plus(b.loadIndex(at(0), indices + 1).times(4))));
    refused((b, at) => access(b, at(1).plus(b.loadIndex(at(0), indices).times(5))));
    refused((b, at) => access(b, at(1).plus(b.loadIndex(at(0), 2).plus(-1).times(4))));
    // In loops, forward and backward.
    print((b, at) => b.walk(indices, [[at(1), 4]], (p) => access(b, p)));
    refused((b, at) => b.walk(indices + 1, [[at(1), 4]], (p) => access(b, p)));
    refused((b, at) => b.walk(2, [[at(1), 4], [at(1), last + 1]], (_, p) => access(b, p)));
    print((b, at) => b.walk(indices, [[at(1).plus(4 * indices - 4), -4]], (p) => access(b, p)));
    refused((b, at) => b.walk(indices + 1, [[at(1).plus(last), -4]], (p) => access(b, p)));
    const until =
      (bound: number, first: (at: Pointer) => Pointer, step: number): Print => (b, at) =>
        b.walkFrom({ from: 1, to: b.loadIndex(at(0), bound + 1) }, [[first(at(1)), step]], (p) => {
          access(b, p);
        });
    print(until(indices, (at) => at, 4));
    refused(until(indices + 1, (at) => at, 4));
    print(until(indices, (at) => at.plus(4 * indices - 4), -4));
    refused(until(indices + 1, (at) => at.plus(4 * indices - 4), -4));
    print((b, at) => b.for({ to: indices }, (i) => access(b, at(1).plus(i.times(4)))));
    refused((b, at) => b.for({ to: indices + 1 }, (i) => access(b, at(1).plus(i.times(4)))));
    refused((b, at) => {
      const to = b.loadIndex(at(0), indices + 2);
      b.for({ from: 1, to }, (i) => access(b, at(1).plus(i.times(4))));
    });
  });
}

Deno.test("loops over what may not be whole, small or ascending numbers are not printed", () => {
  const nothing = () => {};
  const refused = (body: Print) => assertThrows(() => print(body), RangeError, "Cannot print");
  refused((b, at) => b.walk(2.5, [[at(1), 4]], nothing));
  refused((b, at) => b.walk(-1, [[at(1), 4]], nothing));
  refused((b, at) => b.walk(2, [[at(1), 0]], nothing));
  refused((b) => b.walk(2, [], nothing));
  refused((b) => b.for({ from: -1, to: 4 }, nothing));
  refused((b) => b.for({ to: 4, step: 0 }, nothing));
  refused((b) => b.for({ to: 4, step: -1 }, nothing));
  refused((b) => b.for({ to: 4, step: 1.5 }, nothing));
  refused((b) => b.for({ to: 2 ** 32 - 1, step: 2 }, nothing));
});

Deno.test("integers that may not fit 32 bits, and bad calls, are not printed", () => {
  const refused = (body: Print) => assertThrows(() => print(body), RangeError, "Cannot print");
  refused((b, at) => b.loadIndex(at(0), 0));
  refused((b, at) => b.loadIndex(at(0), 2 ** 20).times(2 ** 12).plus(2 ** 12));
  refused((b, at) => b.loadIndex(at(0), 2 ** 31).plus(2 ** 31).plus(2 ** 31));
  refused((b, at) => b.loadIndex(at(0), 4).plus(-1).over(2));
  refused((b, at) => b.loadIndex(at(0), 4).plus(-1).modulo(2));
  refused((b, at) =>
    b.at({ name: "half", bytes: 4, param: 0 }).plus(b.loadIndex(at(0), 2).plus(0.5))
  );
  const callee = (b: Body) => b.define({ areas: [], ints: [{ min: 1, max: 3 }] }, () => {});
  print((b) => b.call(callee(b), { areas: [], ints: [I32.of(3)] }));
  refused((b) => b.call(callee(b), { areas: [], ints: [I32.of(4)] }));
  refused((b) => b.call(callee(b), { areas: [], ints: [I32.of(0)] }));
  refused((b) => b.call(callee(b), { areas: [] }));
  refused((b, at) => b.call(callee(b), { areas: [at(0)], ints: [I32.of(1)] }));
});
