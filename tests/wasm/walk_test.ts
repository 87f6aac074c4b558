/** Tests loops over spans, comparisons of integers, and transposition, by running them. */
import { assertEquals, assertThrows } from "@std/assert";
import { larger, smaller } from "../../src/wasm/ints.ts";
import { transposeQuads } from "../../src/wasm/transpose.ts";
import { f32x4 } from "../../src/wasm/vectors.ts";
import { compileFunction, type Print, runFunction } from "./run.ts";

const SIZE = 12;
const BOUNDS = [0, 1, 2, 5, 11, 12];
const SPANS = BOUNDS.flatMap((from) => BOUNDS.map((to) => ({ from, to })));
const X = Array.from({ length: SIZE }, (_, i) => i + 1);

/** Element i of the output is the element of x as far from its end, for the indices of the span. */
function reversed({ from, to }: { readonly from: number; readonly to: number }): number[] {
  return X.map((_, i) => i >= from && i < to ? SIZE - i : 0);
}

function copyReversed(
  [b, at]: Parameters<Print>,
  span: Parameters<Parameters<Print>[0]["walkFrom"]>[0],
): void {
  b.walkFrom(span, [[at(1), 4], [at(0).plus(4 * (SIZE - 1)), -4]], (to, from) => {
    b.storeOne(to, b.loadOne(from));
  });
}

Deno.test("walkFrom() visits each index once: constant bounds", () => {
  for (const span of SPANS) {
    const [, out] = runFunction([X, Array(SIZE).fill(0)], (...body) => copyReversed(body, span));
    assertEquals(Array.from(out as Float32Array), reversed(span), JSON.stringify(span));
  }
});

Deno.test("walkFrom() visits each index once: bounds from data, also when there are none", () => {
  const { views, run } = compileFunction([SIZE, SIZE, 1, 1], (b, at) => {
    const [from, to] = [b.loadIndex(at(2), SIZE + 1), b.loadIndex(at(3), SIZE + 1)];
    copyReversed([b, at], { from, to });
  });
  const [x, out, ...bounds] = views as [Float32Array, Float32Array, Float32Array, Float32Array];
  const [from, to] = bounds.map(({ buffer, byteOffset }) => new Uint32Array(buffer, byteOffset, 1));
  x.set(X);
  for (const span of SPANS) {
    from?.fill(span.from);
    to?.fill(span.to);
    out.fill(0);
    run();
    assertEquals(Array.from(out), reversed(span), JSON.stringify(span));
  }
});

Deno.test("walkFrom() is printed over spans inside of an area, and not beyond", () => {
  const print = (body: Print) => void compileFunction([4, SIZE], body);
  const refused = (body: Print) => assertThrows(() => print(body), RangeError, "Cannot print");
  const store = (to: number): Print => (b, at) => {
    const from = b.loadIndex(at(0), 3);
    b.walkFrom({ from, to }, [[at(1), 4]], (p) => b.storeOne(p, f32x4.splat(1)));
  };
  print(store(SIZE));
  refused(store(SIZE + 1));
  refused((b, at) => {
    const to = b.loadIndex(at(0), SIZE + 2);
    b.walkFrom({ from: 0, to }, [[at(1), 4]], (p) => b.loadOne(p));
  });
  refused((b, at) => b.walkFrom({ from: -1, to: 2 }, [[at(1), 4]], () => {}));
  refused((b, at) => b.walkFrom({ from: 0, to: 2 }, [[at(1), 0]], () => {}));
});

Deno.test("smaller() and larger() compare signed integers, and bound their ranges", () => {
  const values = [0, 1, 5, 9, 10];
  const { views, run } = compileFunction([2, 2], (b, at) => {
    const [x, y] = [0, 4].map((bytes) => b.loadIndex(at(0).plus(bytes), 11).plus(-5));
    if (x === undefined || y === undefined) return;
    const [low, high] = [smaller(b, x, y), larger(b, x, y)];
    assertEquals([low.min, low.max, high.min, high.max], [-5, 5, -5, 5]);
    const [capped, floored] = [smaller(b, low, 2), larger(b, high, -2)];
    assertEquals([capped.min, capped.max, floored.min, floored.max], [-5, 2, -2, 5]);
    b.storeInt(at(1), capped);
    b.storeInt(at(1).plus(4), floored);
    assertEquals([smaller(b, x, 5), larger(b, -5, y), smaller(b, 3, 4).known], [x, y, 3]);
  });
  const [input, output] = views.map(({ buffer, byteOffset }) =>
    new Int32Array(buffer, byteOffset, 2)
  );
  for (const x of values) {
    for (const y of values) {
      input?.set([x, y]);
      run();
      const want = [Math.min(x - 5, y - 5, 2), Math.max(x - 5, y - 5, -2)];
      assertEquals(Array.from(output as Int32Array), want, `${x - 5} and ${y - 5}`);
    }
  }
});

Deno.test("transposeQuads() gives the columns of four rows", () => {
  const x = Array.from({ length: 16 }, (_, i) => i);
  const [, out] = runFunction([x, Array(16).fill(0)], (b, at) => {
    const rows = [0, 16, 32, 48].map((bytes) => b.let(b.load(at(0).plus(bytes))));
    transposeQuads(b, rows).forEach((column, k) => b.store(at(1).plus(16 * k), column));
  });
  const want = x.map((_, i) => 4 * (i % 4) + Math.floor(i / 4));
  assertEquals(Array.from(out as Float32Array), want);
});
