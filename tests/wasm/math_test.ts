/** Tests the elementary functions of the CPU device against the f64 functions of JavaScript. */
import { assert, assertEquals } from "@std/assert";
import type { Body } from "../../src/wasm/body.ts";
import { expVector, logVector, tanhVector } from "../../src/wasm/math.ts";
import { cosVector, sinVector } from "../../src/wasm/sinusoid.ts";
import type { V128 } from "../../src/wasm/values.ts";
import { compileFunction, type Runnable } from "./run.ts";

interface Elementary {
  readonly print: (b: Body, x: V128) => V128;
  readonly exact: (x: number) => number;
  /** Largest error in units in the last place, as the docstring says. */
  readonly ulps: number;
  /** The same where multiply-add is not fused. */
  readonly unfused: number;
}

const FUNCTIONS: Readonly<Record<string, Elementary>> = {
  exp: { print: expVector, exact: Math.exp, ulps: 1.1, unfused: 1.3 },
  log: { print: logVector, exact: Math.log, ulps: 1, unfused: 1.3 },
  tanh: { print: tanhVector, exact: Math.tanh, ulps: 1.7, unfused: 2 },
  sin: { print: sinVector, exact: Math.sin, ulps: 1.6, unfused: 1.8 },
  cos: { print: cosVector, exact: Math.cos, ulps: 1.6, unfused: 1.8 },
};

const N = 2 ** 16;
/** Odd, so that all mantissas and exponents mix; 4.2 million values in all. */
const STRIDE = 1021;

/** y[i] = f(x[i]), two vectors at a time. */
function compileMap({ print }: Elementary, fuses = true): Runnable {
  return compileFunction([N, N], (b, at) => {
    b.walk(N / 8, [[at(0), 32], [at(1), 32]], (from, to) => {
      const values = [0, 16].map((bytes) => print(b, b.let(b.load(from.plus(bytes)))));
      values.forEach((value, k) => b.store(to.plus(16 * k), value));
    });
  }, { fuses });
}

/** Size of a unit in the last place of f32 at a finite number. */
function unitAt(x: number): number {
  const size = Math.abs(x);
  if (size < 2 ** -126) return 2 ** -149;
  const exponent = Math.floor(Math.log2(size));
  // log2 rounds up just below a power of 2.
  return 2 ** ((size < 2 ** exponent ? exponent - 1 : exponent) - 23);
}

/** Errors of the results in ulp; infinite where NaN, an infinity or the sign of zero is wrong. */
function* errorsOf(x: Float32Array, y: Float32Array, exact: (x: number) => number) {
  for (let i = 0; i < N; i++) {
    const got = y[i] as number;
    const want = exact(x[i] as number);
    if (Object.is(got, Math.fround(want))) continue;
    const error = Math.abs(got - want) / unitAt(want);
    const isSigned = got !== 0 || want !== 0;
    yield { x: x[i], got, want, error: isSigned && error >= 0 ? error : Infinity };
  }
}

for (const [name, each] of Object.entries(FUNCTIONS)) {
  for (const fuses of [true, false]) {
    const bound = fuses ? each.ulps : each.unfused;
    const machine = fuses ? "" : " without fused multiply-add";
    Deno.test(`${name}(): all exponents and signs are within ${bound} ulp${machine}`, () => {
      const { views: [x, y], run } = compileMap(each, fuses) as Runnable & {
        views: [Float32Array, Float32Array];
      };
      const bits = new Uint32Array(x.buffer, x.byteOffset, N);
      let count = 0;
      for (let first = 0; first < 2 ** 32; first += N * STRIDE) {
        for (let i = 0; i < N; i++) bits[i] = first + i * STRIDE;
        run();
        for (const { x: at, got, want, error } of errorsOf(x, y, each.exact)) {
          assert(error <= bound, `${name}(${at}) is ${got} instead of ${want}: ${error} ulp`);
          count++;
        }
      }
      // Some results must differ from the exact ones, else nothing was compared.
      assert(count > 0);
    });
  }
}

/** f(x) of single numbers. */
function values(each: Elementary, x: readonly number[]): number[] {
  const { views, run } = compileMap(each);
  (views[0] as Float32Array).set(x);
  run();
  return Array.from((views[1] as Float32Array).subarray(0, x.length));
}

Deno.test("exp() and log() have exact edges", () => {
  const { exp, log } = FUNCTIONS as Record<string, Elementary>;
  assertEquals(
    values(exp as Elementary, [0, -0, Infinity, -Infinity, NaN, 89, -104, 88.72284, 1e30]),
    [1, 1, Infinity, 0, NaN, Infinity, 0, Infinity, Infinity],
  );
  assertEquals(
    values(log as Elementary, [1, 0, -0, Infinity, -Infinity, NaN, -1e-45, 2 ** -149]),
    [0, -Infinity, -Infinity, Infinity, NaN, NaN, NaN, Math.fround(Math.log(2 ** -149))],
  );
});

Deno.test("tanh() and sin() keep the sign of zero and tiny numbers as they are", () => {
  const tiny = [0, -0, 2 ** -149, -(2 ** -149), 2 ** -126, -(2 ** -130), 2 ** -60];
  for (const name of ["tanh", "sin"]) {
    assertEquals(values(FUNCTIONS[name] as Elementary, tiny), tiny);
  }
  assertEquals(
    values(FUNCTIONS["tanh"] as Elementary, [Infinity, -Infinity, NaN, 9.5, 10, -50]),
    [1, -1, NaN, 1, 1, -1],
  );
});

Deno.test("sin() and cos() are NaN at infinities and right in lanes beside them", () => {
  const x = [1, Infinity, 1e10, -Infinity, -(2 ** 127), NaN, 2.5, 12801];
  for (const name of ["sin", "cos"]) {
    const { exact, ulps } = FUNCTIONS[name] as Elementary;
    const got = values(FUNCTIONS[name] as Elementary, x);
    x.forEach((at, i) => {
      const want = exact(Math.fround(at));
      if (Number.isNaN(want)) return assertEquals(got[i], NaN);
      assert(
        Math.abs(got[i] as number - want) <= ulps * unitAt(want),
        `${name}(${at}) is ${got[i]}`,
      );
    });
  }
});

Deno.test("sin() and cos() are right next to multiples of a quarter turn", () => {
  // The nearest f32 to multiples of pi / 2, where most of the number cancels; 16367173 * 2^72 is
  // the nearest of all to one.
  const near = Array.from({ length: 20000 }, (_, k) => Math.fround((k + 1) * Math.PI / 2));
  const x = [...near, ...near.map((at) => -at), 16367173 * 2 ** 72, -16367173 * 2 ** 72];
  for (const name of ["sin", "cos"]) {
    const each = FUNCTIONS[name] as Elementary;
    values(each, x).forEach((got, i) => {
      const want = each.exact(Math.fround(x[i] as number));
      const error = Math.abs(got - want) / unitAt(want);
      assert(error <= each.ulps, `${name}(${x[i]}) is ${got} instead of ${want}: ${error} ulp`);
    });
  }
});

Deno.test("tanh() is odd and exp() grows at adjacent numbers, as far as they round", () => {
  const { tanh, exp } = FUNCTIONS as { tanh: Elementary; exp: Elementary };
  const x = Array.from({ length: N / 2 }, (_, i) => Math.fround(i * 1.7e-4));
  const up = values(tanh, x);
  assertEquals(values(tanh, x.map((at) => -at)), up.map((y) => -y));
  const powers = values(exp, x);
  powers.slice(1).forEach((y, i) => assert(y >= (powers[i] as number)));
});
