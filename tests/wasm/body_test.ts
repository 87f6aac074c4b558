/** Tests loops, conditions, loads, stores and calls of printed functions by running them. */
import { assert, assertEquals } from "@std/assert";
import { I32 } from "../../src/wasm/values.ts";
import { f32x4, v128 } from "../../src/wasm/vectors.ts";
import { compileFunction, type Print, runFunction } from "./run.ts";

/** Words of the last array after a run, for integers that a function stores. */
function integers(inputs: readonly (readonly number[])[], print: Print): number[] {
  const { views, run } = compileFunction(inputs.map(({ length }) => length), print);
  inputs.forEach((input, k) => {
    const { buffer, byteOffset, length } = views[k] as Float32Array;
    new Uint32Array(buffer, byteOffset, length).set(input);
  });
  run();
  const { buffer, byteOffset, length } = views.at(-1) as Float32Array;
  return Array.from(new Uint32Array(buffer, byteOffset, length));
}

/** How often each index must be visited. */
function visits(size: number, { from, to, step }: { from: number; to: number; step: number }) {
  const counts: number[] = Array(size).fill(0);
  for (let i = from; i < to; i += step) counts[i] = (counts[i] as number) + 1;
  return counts;
}

const SIZE = 40;
const BOUNDS = [0, 1, 2, 3, 5, 7, 8, 9, 31, 32];
const LOOPS = BOUNDS.flatMap((from) =>
  BOUNDS.flatMap((to) => [1, 2, 3, 8].map((step) => ({ from, to, step })))
);

/** Adds 1 to element i of the last array. */
function visit(b: Parameters<Print>[0], at: Parameters<Print>[1], { array, i }: {
  readonly array: number;
  readonly i: I32;
}): void {
  const place = at(array).plus(i.times(4));
  b.storeOne(place, f32x4.add(b.loadOne(place), f32x4.splat(1)));
}

Deno.test("for() visits each index once: constant bounds", () => {
  for (const loop of LOOPS) {
    const [out] = runFunction([Array(SIZE).fill(0)], (b, at) => {
      b.for(loop, (i) => visit(b, at, { array: 0, i }));
    });
    assertEquals(Array.from(out as Float32Array), visits(SIZE, loop), JSON.stringify(loop));
  }
});

Deno.test("for() visits each index once: bounds from data, also when there are none", () => {
  for (const step of [1, 2, 3, 8]) {
    const { views, run } = compileFunction([1, 1, SIZE], (b, at) => {
      const [from, to] = [b.loadIndex(at(0), 33), b.loadIndex(at(1), 33)];
      b.for({ from, to, step }, (i) => visit(b, at, { array: 2, i }));
    });
    const [from, to] = views.map(({ buffer, byteOffset }) =>
      new Uint32Array(buffer, byteOffset, 1)
    );
    for (const loop of LOOPS.filter((each) => each.step === step)) {
      from?.fill(loop.from);
      to?.fill(loop.to);
      views[2]?.fill(0);
      run();
      const got = Array.from(views[2] as Float32Array);
      assertEquals(got, visits(SIZE, loop), JSON.stringify(loop));
    }
  }
});

Deno.test("for() visits each index once: a constant start and an end of at least one", () => {
  for (const more of [0, 1, 2, 20]) {
    const got = integers([[more], Array(SIZE).fill(0)], (b, at) => {
      const to = b.loadIndex(at(0), 30).plus(4);
      b.for({ from: 3, to }, (i) => b.storeInt(at(1).plus(i.times(4)), I32.of(7)));
    });
    assertEquals(got, visits(SIZE, { from: 3, to: 4 + more, step: 1 }).map((n) => 7 * n));
  }
});

Deno.test("walk() moves each pointer by its own step, forward, backward and not at all", () => {
  for (const count of [0, 1, 2, 3, 12]) {
    const x = Array.from({ length: 12 }, (_, i) => i + 1);
    const [, , out] = runFunction([x, [10], Array(12).fill(0)], (b, at) => {
      const walks = [[at(2), 4], [at(0).plus(44), -4], [at(1), 0]] as const;
      b.walk(count, walks, (to, from, still) => {
        b.storeOne(to, f32x4.add(b.loadOne(from), b.loadOne(still)));
      });
    });
    const want = x.map((_, i) => i < count ? 12 - i + 10 : 0);
    assertEquals(Array.from(out as Float32Array), want, `${count} iterations`);
  }
});

Deno.test("walkFrom() visits the elements between bounds from data, forward and backward", () => {
  const x = Array.from({ length: 9 }, (_, i) => i + 1);
  const { views, run } = compileFunction([1, 1, 9, 9], (b, at) => {
    const [from, to] = [b.loadIndex(at(0), 10), b.loadIndex(at(1), 10)];
    const walks = [[at(3), 4], [at(2).plus(32), -4]] as const;
    b.walkFrom({ from, to }, walks, (target, source) => b.storeOne(target, b.loadOne(source)));
  });
  const [from, to] = views.map(({ buffer, byteOffset }) => new Uint32Array(buffer, byteOffset, 1));
  views[2]?.set(x);
  for (const first of [0, 1, 4, 8, 9]) {
    for (const end of [0, 1, 4, 5, 9]) {
      from?.fill(first);
      to?.fill(end);
      views[3]?.fill(0);
      run();
      const want = x.map((_, i) => i >= first && i < end ? 9 - i : 0);
      assertEquals(Array.from(views[3] as Float32Array), want, `from ${first} to ${end}`);
    }
  }
});

Deno.test("walk() in walk() visits a matrix, and variables keep sums between iterations", () => {
  const [rows, columns] = [3, 5];
  const x = Array.from({ length: rows * columns }, (_, i) => i * i);
  const [, sums] = runFunction([x, Array(rows).fill(0)], (b, at) => {
    b.walk(rows, [[at(1), 4], [at(0), 4 * columns]], (to, row) => {
      const sum = b.variable(f32x4.splat(0));
      b.walk(columns, [[row, 4]], (from) => b.set(sum, f32x4.add(sum, b.loadOne(from))));
      b.storeOne(to, sum);
    });
  });
  const want = Array.from(
    { length: rows },
    (_, r) => x.slice(r * columns, (r + 1) * columns).reduce((a, v) => a + v, 0),
  );
  assertEquals(Array.from(sums as Float32Array), want);
});

Deno.test("let() computes a value once, before later stores", () => {
  const [x] = runFunction([[1, 2, 3, 4]], (b, at) => {
    const before = b.let(b.load(at(0)));
    b.store(at(0), f32x4.splat(100));
    b.store(at(0), f32x4.add(b.load(at(0)), before));
  });
  assertEquals(Array.from(x as Float32Array), [101, 102, 103, 104]);
});

Deno.test("if() takes one of its branches", () => {
  for (const x of [[0, 0, 0, 0], [0, 0, 0, 1], [5, 0, 0, 0]]) {
    const [, out] = runFunction([x, [0, 0]], (b, at) => {
      const isAny = v128.any(f32x4.ne(b.load(at(0)), f32x4.splat(0)));
      b.if(
        isAny,
        () => b.storeOne(at(1), f32x4.splat(1)),
        () => b.storeOne(at(1), f32x4.splat(2)),
      );
      b.if(isAny, () => b.storeOne(at(1).plus(4), f32x4.splat(3)));
    });
    assertEquals(Array.from(out as Float32Array), x.some((v) => v !== 0) ? [1, 3] : [2, 0]);
  }
});

Deno.test("loadIndex() clamps what is not below its bound", () => {
  const [bound, words] = [6, [0, 4, 5, 6, 7, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]];
  const got = integers([words, Array(words.length).fill(0)], (b, at) => {
    words.forEach((_, k) => {
      b.storeInt(at(1).plus(4 * k), b.loadIndex(at(0).plus(4 * k), bound));
    });
  });
  assertEquals(got, words.map((word) => Math.min(word, bound - 1)));
});

Deno.test("loadSome() and storeSome() touch as many elements as they say", () => {
  for (const lanes of [1, 2, 3, 4]) {
    const [, out] = runFunction([[1, 2, 3, 4].slice(0, lanes), Array(8).fill(9)], (b, at) => {
      const value = b.let(b.loadSome(at(0), lanes));
      b.storeSome(at(1), value, lanes);
      b.store(at(1).plus(16), value);
    });
    const [loaded, kept] = [[1, 2, 3, 4].slice(0, lanes), Array(4 - lanes)];
    assertEquals(
      Array.from(out as Float32Array),
      [...loaded, ...kept.fill(9), ...loaded, ...kept.map(() => 0)],
    );
  }
});

Deno.test("elementOf() is the index of a pointer's element, and integers divide", () => {
  const indices = [0, 1, 7, 8, 30];
  const got = integers([indices, Array(4 * indices.length).fill(0)], (b, at) => {
    indices.forEach((_, k) => {
      const i = b.loadIndex(at(0).plus(4 * k), 32);
      const pointer = at(1).plus(i.times(2)).plus(i.times(2)).plus(8);
      const values = [b.elementOf(pointer), i.over(7), i.modulo(7), i.times(12).plus(-4)];
      values.forEach((value, n) => b.storeInt(at(1).plus(16 * k + 4 * n), value));
    });
  });
  const want = indices.flatMap((i) => [i + 2, Math.floor(i / 7), i % 7, 12 * i - 4]);
  assertEquals(got, want.map((value) => value >>> 0));
});

Deno.test("call() passes places and integers, and each function of equal body is one", () => {
  const [x] = runFunction([[1, 2, 3, 4, 5, 6, 7, 8]], (b, at) => {
    const scale = () =>
      b.define(
        { areas: [{ name: "vector", bytes: 16 }], ints: [{ min: 0, max: 4 }] },
        (inner, [area], [times]) => {
          assert(area !== undefined && times !== undefined);
          const place = inner.at(area);
          inner.for({ to: times }, () => {
            inner.store(place, f32x4.mul(inner.load(place), f32x4.splat(2)));
          });
        },
      );
    assertEquals(scale().index, scale().index);
    b.call(scale(), { areas: [at(0)], ints: [I32.of(3)] });
    b.call(scale(), { areas: [at(0).plus(16)], ints: [I32.of(0)] });
  });
  assertEquals(Array.from(x as Float32Array), [8, 16, 24, 32, 5, 6, 7, 8]);
});
