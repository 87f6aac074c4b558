/** Rotary position embeddings against transformers (the golden file names its generator). */
import { assert, assertAlmostEquals, assertEquals, assertGreater, assertThrows } from "@std/assert";
import { headsOf } from "../../kernels/attention/mod.ts";
import type { RotaryFrequencies, RotaryScaling } from "../../kernels/rotary/mod.ts";
import { rotary, rotaryFrequencies, rotaryTables, rotaryValues } from "../../kernels/rotary/mod.ts";
import { openReference } from "../../src/device/reference.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Tensor } from "../../src/graph/types.ts";
import { onDevice, sharedGpu } from "../support/gpu.ts";
import { gradientsOf, runTrace, weightedSum } from "../support/graph/run_trace.ts";
import type { Numbers, Tensors } from "../support/graph/torch_golden.ts";

const gpu = sharedGpu();
const DEVICES = [
  ["the reference", () => Promise.resolve(openReference())],
  ["the reference in f64", () => Promise.resolve(openReference({ precision: "f64" }))],
  ["the GPU", gpu],
] as const;

interface RotaryGolden {
  readonly heads: number;
  readonly positions: readonly number[];
  readonly cases: Readonly<Record<string, RotaryCase>>;
}

interface RotaryCase {
  readonly width: number;
  readonly theta: number;
  readonly rope?: {
    readonly rope_type: string;
    readonly factor?: number;
    readonly low_freq_factor?: number;
    readonly high_freq_factor?: number;
    readonly beta_fast?: number;
    readonly beta_slow?: number;
    readonly attention_factor?: number;
    readonly original_max_position_embeddings?: number;
  };
  /** Rotated columns of GPT-J, whose pairs are adjacent columns. */
  readonly rotated?: number;
  readonly given: Tensors;
  readonly weighting: Tensors;
  readonly results: Tensors;
  readonly gradients: Tensors;
}

const GOLDEN: RotaryGolden = JSON.parse(
  await Deno.readTextFile(new URL("../golden/attention/torch_rotary.json", import.meta.url)),
);

/** The scaling that transformers' `rope_parameters` name. */
function scalingOf(rope: RotaryCase["rope"]): RotaryScaling | undefined {
  if (rope === undefined) return undefined;
  const { factor = 1, original_max_position_embeddings: context = 1 } = rope;
  switch (rope.rope_type) {
    case "linear":
      return { kind: "linear", factor };
    case "llama3": {
      const { low_freq_factor: low = 0, high_freq_factor: high = 0 } = rope;
      return { kind: "llama3", factor, context, lowFreqFactor: low, highFreqFactor: high };
    }
    case "yarn": {
      const { beta_fast, beta_slow, attention_factor } = rope;
      return {
        kind: "yarn",
        factor,
        context,
        ...beta_fast !== undefined && { betaFast: beta_fast },
        ...beta_slow !== undefined && { betaSlow: beta_slow },
        ...attention_factor !== undefined && { attentionFactor: attention_factor },
      };
    }
    default:
      return undefined;
  }
}

function frequenciesOf({ width, theta, rope, rotated = width }: RotaryCase): RotaryFrequencies {
  return { rotated, theta, scaling: scalingOf(rope) };
}

/** y and the gradient of x. */
function resultsOf(test: RotaryCase): Record<string, Tensor> {
  const trace = newTrace();
  const { heads, positions: { length } } = GOLDEN;
  const { shape } = test.given["x"] as Numbers;
  const x = trace.source({ shape, dtype: "f32" }, "batch", "x");
  const positions = trace.source({ shape: [length], dtype: "u32" }, "batch", "positions");
  const y = rotary(headsOf(x, { heads, width: test.width }), {
    ...rotaryTables(trace, Math.max(...GOLDEN.positions) + 1, frequenciesOf(test)),
    pairing: test.rotated === undefined ? "halves" : "interleaved",
    positions,
  });
  const loss = weightedSum([[y, (test.weighting["y"] as Numbers).data]]);
  return { y, dx: gradientsOf(loss, { x })["x"] as Tensor };
}

for (const [place, open] of DEVICES) {
  for (const [name, test] of Object.entries(GOLDEN.cases)) {
    Deno.test(onDevice(place, `rotary of ${name} matches transformers, on ${place}`), async () => {
      const { positions } = GOLDEN;
      const got = await runTrace(await open(), resultsOf(test), {
        x: (test.given["x"] as Numbers).data,
        positions: Uint32Array.from(positions),
      });
      // Angles of transformers are f32: a power, a reciprocal and a product, each rounded.
      const angle = Math.max(...positions) * 2 ** -22;
      const { results, gradients } = test;
      for (const [key, want] of [["y", results["y"]], ["dx", gradients["x"]]] as const) {
        const values = got[key] as Float64Array;
        const { data } = want as Numbers;
        const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        assertGreater(largest, 0);
        assertEquals(values.length, data.length);
        const bound = Math.SQRT2 * largest * (angle + 2 ** -21);
        data.forEach((value, i) => {
          assert(Math.abs(value - (values[i] as number)) <= bound, `${key} at ${i}`);
        });
      }
    });
  }
}

Deno.test("scores of rotated queries and keys depend on distances only", async () => {
  const trace = newTrace();
  const time = 40;
  const x = trace.source({ shape: [1, time, 8], dtype: "f32" }, "batch", "x");
  const y = rotary(headsOf(x, { heads: 1 }), rotaryTables(trace, time, { rotated: 8 }));
  const row = [1, -0.5, 0.25, 2, -1, 0.75, 0.5, -0.25];
  const values = Array.from({ length: time }, () => row).flat();
  const got = await runTrace(openReference({ precision: "f64" }), { y }, { x: values });
  const at = (t: number) => (got["y"] as Float64Array).subarray(8 * t, 8 * t + 8);
  const score = (i: number, j: number) =>
    at(i).reduce((sum, value, c) => sum + value * (at(j)[c] as number), 0);
  for (const distance of [0, 1, 7]) {
    for (const j of [0, 3, 32]) {
      assertAlmostEquals(score(j + distance, j), score(distance, 0), 1e-5);
    }
  }
  assert(Math.abs(score(7, 0) - score(0, 0)) > 0.1);
});

Deno.test("tables keep their precision at large positions", () => {
  const { cos, sin } = rotaryValues(200_001, { rotated: 2 });
  assertEquals(cos.length, 200_001);
  // The angle of the first pair is the position itself.
  assertEquals(cos[200_000], Math.fround(Math.cos(200_000)));
  assertEquals(sin[200_000], Math.fround(Math.sin(200_000)));
});

Deno.test("a linear scaling divides all frequencies, and one of 1 changes none", () => {
  const plain = rotaryFrequencies({ rotated: 8 });
  [1, 0.1, 0.01, 0.001].forEach((want, k) => assertAlmostEquals(plain[k] as number, want, 1e-15));
  const halved = rotaryFrequencies({ rotated: 8, scaling: { kind: "linear", factor: 2 } });
  assertEquals([...halved], [...plain].map((frequency) => frequency / 2));
  const factor = 1;
  const kinds: RotaryScaling[] = [
    { kind: "linear", factor },
    { kind: "llama3", factor, lowFreqFactor: 1, highFreqFactor: 4, context: 64 },
    { kind: "yarn", factor, context: 64 },
  ];
  for (const scaling of kinds) {
    rotaryFrequencies({ rotated: 8, scaling }).forEach((frequency, k) => {
      assertAlmostEquals(frequency, plain[k] as number, 1e-15, scaling.kind);
    });
    assertEquals(rotaryValues(3, { rotated: 8, scaling }).cos[0], 1, scaling.kind);
  }
});

Deno.test("tables of odd columns, and scalings without sense, are refused", () => {
  for (const rotated of [0, 3, 2.5]) {
    assertThrows(() => rotaryFrequencies({ rotated }), RangeError, `above 0: ${rotated}`);
  }
  assertThrows(
    () => rotaryFrequencies({ rotated: 4, theta: 1 }),
    RangeError,
    "theta must be above",
  );
  assertThrows(
    () => rotaryFrequencies({ rotated: 4, scaling: { kind: "linear", factor: 0 } }),
    RangeError,
    "factor must be above 0: 0",
  );
  const llama3 = { kind: "llama3", factor: 8, context: 64, lowFreqFactor: 4 } as const;
  assertThrows(
    () => rotaryFrequencies({ rotated: 4, scaling: { ...llama3, highFreqFactor: 4 } }),
    RangeError,
    "highFreqFactor must be above 4: 4",
  );
});
