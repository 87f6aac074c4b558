/**
 * Detection of infinities and NaNs on this adapter, and the behaviour of other kernels for values
 * that WGSL leaves to drivers. A driver that breaks it must fail here, not during training.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { finiteOp, sumOp, treeAddOp } from "../../kernels/reduce/mod.ts";
import { pointwiseOp } from "../../kernels/pointwise/mod.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Device } from "../../src/device/types.ts";
import type { Expr } from "../../src/graph/formula.ts";
import { formula, mul } from "../../src/graph/formula.ts";
import type { Op, Spec } from "../../src/graph/types.ts";
import { outputSlot, planOf } from "../../src/testing/cases.ts";
import { onDevice, onGpu, sharedGpu } from "../support/gpu.ts";

const gpu = sharedGpu();
const DEVICES: Readonly<Record<string, () => Promise<Device>>> = {
  "the reference": () => Promise.resolve(openReference()),
  "the GPU": gpu,
};

const QUIET_NAN = 0x7fc0_0000;
const INFINITE = 0x7f80_0000;

/**
 * Words that are not finite: infinities, and NaNs quiet and signalling, of the ends of payloads.
 */
const BROKEN = [INFINITE, 0x7f80_0001, 0x7fa5_a5a5, 0x7fbf_ffff, QUIET_NAN, 0x7fff_ffff]
  .flatMap(bothSigns);

/** Finite edge cases: zeros, subnormals, the smallest and largest normals. */
const SOUND = [0, 1, 0x0040_0000, 0x007f_ffff, 0x0080_0000, 0x3f80_0000, 0x7f00_0000, 0x7f7f_ffff]
  .flatMap(bothSigns);

function bothSigns(word: number): number[] {
  return [word, (word | 0x8000_0000) >>> 0];
}

function floats(...words: number[]): Float32Array {
  return new Float32Array(Uint32Array.from(words).buffer);
}

function wordsOf(values: Float32Array): number[] {
  return [...new Uint32Array(values.buffer, values.byteOffset, values.length)];
}

/** Output 0 of an op of inputs of `sizes`, for values of those. */
async function load(device: Device, op: Op, { sizes, attrs = {} }: {
  sizes: readonly number[];
  attrs?: unknown;
}): Promise<(...inputs: Float32Array[]) => Promise<Float32Array>> {
  const memory = device.memory();
  const specs = sizes.map((n): Spec => ({ shape: [n], dtype: "f32" }));
  const program = await device.load(planOf(op, specs, attrs), memory);
  const [length = 0] = op.shape(specs, attrs)[0]?.shape ?? [];
  return (...inputs) => {
    inputs.forEach((values, i) => memory.write(`x${i}`, values));
    program.run();
    return memory.read([{ slot: outputSlot(op, attrs, 0), offset: 0, length }]);
  };
}

async function counter(device: Device, n: number): Promise<(x: Float32Array) => Promise<number>> {
  const run = await load(device, finiteOp, { sizes: [n] });
  return async (x) => wordsOf(await run(x))[0] as number;
}

/** First, last, both sides of the edges between strips of items, and one inside. */
function positions(n: number): number[] {
  const width = n % 4 === 0 ? 4 : 1;
  const round = width * Math.ceil(n / width / 16);
  const edges = [round, 3 * round, 4 * round, 15 * round].flatMap((at) => [at - 1, at]);
  const at = [0, 1, 3, 4, n >> 1, ...edges, n - 5, n - 4, n - 2, n - 1];
  return Array.from(new Set(at)).filter((i) => i >= 0 && i < n);
}

for (const [name, open] of Object.entries(DEVICES)) {
  for (const n of [1, 5, 64, 1023, 1024, 4096, 4100, 65_541]) {
    Deno.test(
      onDevice(name, `finite finds each non-finite word at any position among ${n}, on ${name}`),
      async () => {
        const count = await counter(await open(), n);
        const x = floats(...Array.from({ length: n }, (_, i) => SOUND[i % SOUND.length] as number));
        const words = new Uint32Array(x.buffer);
        assertEquals(await count(x), 0);
        // Each position is tested with some words, each word at some positions.
        for (const [k, position] of positions(n).entries()) {
          const sound = words[position] as number;
          for (const word of BROKEN.filter((_, i) => n < 100 || (i + k) % 3 === 0)) {
            words[position] = word;
            assertEquals(await count(x), 1, `${word.toString(16)} at ${position}`);
          }
          words[position] = sound;
        }
        assertEquals(await count(x), 0);
      },
    );
  }

  Deno.test(onDevice(name, `finite classifies all exponents correctly, on ${name}`), async () => {
    // Every sign, exponent and upper half of a payload; lower halves of all kinds.
    const x = floats(
      ...Array.from({ length: 65_536 }, (_, i) => ((i << 16) | (i * 40_503 & 0xffff)) >>> 0),
    );
    const want = x.filter((v) => !Number.isFinite(v)).length;
    assertEquals(want, 2 * 128);
    assertEquals(await (await counter(await open(), x.length))(x), want);
  });

  Deno.test(
    onDevice(name, `finite counts all elements of several inputs, on ${name}`),
    async () => {
      const sizes = [130, 64, 1];
      const run = await load(await open(), finiteOp, { sizes });
      const all = sizes.map((n) => new Float32Array(n).fill(-Infinity));
      assertEquals(wordsOf(await run(...all)), [195]);
      assertEquals(wordsOf(await run(...sizes.map((n) => new Float32Array(n)))), [0]);
      const [a, b, c] = all as [Float32Array, Float32Array, Float32Array];
      assertEquals(wordsOf(await run(a.fill(1), b, c.fill(NaN))), [65]);
    },
  );
}

Deno.test(onGpu("finite finds one NaN among four million elements on the GPU"), async () => {
  const n = 2 ** 22 + 4;
  const count = await counter(await gpu(), n);
  const x = new Float32Array(n).fill(3e38);
  for (const position of [0, n >> 4, n - 1]) {
    x[position] = NaN;
    assertEquals(await count(x), 1, `at ${position}`);
    x[position] = 1;
  }
  assertEquals(await count(x), 0);
});

Deno.test("finite rejects empty inputs and dtypes other than f32", () => {
  const attempt = (...specs: Spec[]) => assertThrows(() => finiteOp.shape(specs, {}), RangeError);
  attempt();
  attempt({ shape: [4], dtype: "u32" });
  attempt({ shape: [4], dtype: "f32" }, { shape: [0], dtype: "f32" });
});

/** Behaviour of the other kernels on the gradient's path for such values. */
for (const [name, open] of Object.entries(DEVICES)) {
  Deno.test(
    onDevice(name, `tree_add keeps non-finite values, and flushes subnormals, on ${name}`),
    async () => {
      const cases = [
        [QUIET_NAN, 0, QUIET_NAN],
        [0x3f80_0000, 0xffa5_a5a5, QUIET_NAN],
        [INFINITE, 0x3f80_0000, INFINITE],
        [INFINITE, 0xff80_0000, QUIET_NAN],
        [0x7f7f_ffff, 0x7f7f_ffff, INFINITE],
        [0x8000_0000, 0x8000_0000, 0],
        [1, 0x007f_ffff, 0],
        [0x0080_0000, 0x807f_ffff, 0x0080_0000],
      ] as [number, number, number][];
      const run = await load(await open(), treeAddOp, { sizes: [cases.length, cases.length] });
      const got = await run(floats(...cases.map(([a]) => a)), floats(...cases.map(([, b]) => b)));
      const want = cases.map(([, , sum]) => sum);
      // A NaN that is kept as a float in JavaScript may have any payload.
      assertEquals(wordsOf(got).map((word, i) => Number.isNaN(got[i]) ? QUIET_NAN : word), want);
    },
  );

  for (const n of [1, 257, 1028, 66_001]) {
    Deno.test(
      onDevice(name, `sums of ${n} with a non-finite element are not finite, on ${name}`),
      async () => {
        for (const square of [false, true]) {
          const run = await load(await open(), sumOp, { sizes: [n], attrs: { square } });
          const x = new Float32Array(n).fill(0.5);
          for (const position of [0, n >> 1, n - 1]) {
            for (const word of [INFINITE, 0xff80_0000, QUIET_NAN, 0xffff_ffff]) {
              x.set(floats(word), position);
              const [total = 0] = await run(x);
              assert(!Number.isFinite(total), `${word.toString(16)} at ${position}: ${total}`);
            }
            x[position] = 0.5;
          }
        }
      },
    );
  }

  Deno.test(onDevice(name, `sums of squares that overflow are infinite, on ${name}`), async () => {
    const run = await load(await open(), sumOp, { sizes: [300], attrs: { square: true } });
    const x = new Float32Array(300).fill(1);
    x[7] = 1e30;
    assertEquals([...await run(x)], [Infinity]);
  });

  Deno.test(
    onDevice(
      name,
      `sums lose at most subnormals, and signed zeros do not make them negative, on ${name}`,
    ),
    async () => {
      const n = 300;
      const run = await load(await open(), sumOp, { sizes: [n] });
      const [tiny = 1] = await run(new Float32Array(n).fill(2 ** -130));
      assert(tiny >= 0 && tiny <= n * 2 ** -130, `${tiny}`);
      const [zero = 1] = await run(new Float32Array(n).fill(-0));
      assertEquals(Math.abs(zero), 0);
      const mixed = new Float32Array(n).fill(2 ** -149);
      mixed[3] = 1;
      assertEquals([...await run(mixed)], [1]);
    },
  );

  Deno.test(
    onDevice(name, `an elementwise product with a non-finite factor is not finite, on ${name}`),
    async () => {
      const product = formula(2, (a, b) => mul(a as Expr, b as Expr));
      for (const n of [15, 16]) {
        const attrs = { formula: product };
        const run = await load(await open(), pointwiseOp, { sizes: [n, n], attrs });
        const x = new Float32Array(n).fill(2);
        x.set(floats(INFINITE, QUIET_NAN, 0x7f80_0001, 0xff80_0000), 3);
        const got = await run(x, new Float32Array(n).fill(0.75));
        const broken = [...got].map((v) => !Number.isFinite(v));
        assertEquals(broken, Array.from({ length: n }, (_, i) => i >= 3 && i < 7));
        assertEquals(got.filter((v) => v === 1.5).length, n - 4);
      }
    },
  );
}
