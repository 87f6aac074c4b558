/** Convolutions and max pooling match PyTorch's functions, values and gradients. */
import { assert, assertEquals } from "@std/assert";
import { openCpu } from "../../src/device/cpu.ts";
import { openReference } from "../../src/device/reference.ts";
import type { Device } from "../../src/device/types.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";
import { newTrace } from "../../src/graph/trace.ts";
import type { Tensor } from "../../src/graph/types.ts";
import {
  conv1d,
  conv2d,
  maxPool1d,
  maxPool2d,
  type PoolOptions,
  type Sizes2d,
} from "../../src/nn/convolution.ts";
import { newScope } from "../../src/nn/scope.ts";
import { onGpu } from "../support/gpu.ts";
import { gradientsOf, runTrace, weightedSum } from "../support/graph/run_trace.ts";
import { type Numbers, readTorch, type TorchGolden } from "../support/graph/torch_golden.ts";
import { tolerance } from "../../src/testing/tolerance.ts";

interface WindowGolden extends TorchGolden {
  readonly arguments: {
    readonly kernel: Sizes2d | readonly [number];
    readonly stride?: Sizes2d;
    readonly padding?: Sizes2d;
  };
}

const CASES = [
  "conv2d",
  "conv2d_padded",
  "conv2d_strided",
  "conv1d",
  "conv1d_strided",
  "max_pool2d",
  "max_pool2d_overlapping",
  "max_pool2d_sparse",
  "max_pool1d",
];

/** Elements of [N, C, ...] in the order [N, ..., C]. */
function channelsLast({ shape: [outer = 1, channels = 1, ...sizes], data }: Numbers): Numbers {
  const places = sizes.reduce((a, b) => a * b, 1);
  const shape = [outer, ...sizes, channels];
  return {
    shape,
    data: data.map((_, i) => {
      const [n, place] = [
        Math.floor(i / (places * channels)),
        Math.floor(i / channels) % places,
      ];
      return data[(n * channels + i % channels) * places + place] as number;
    }),
  };
}

/** A kernel [O, C, ...] as our matrix [... C, O]. */
function matrixOf(kernel: Numbers): Numbers {
  const { shape: [outputs = 1], data } = channelsLast(kernel);
  const rows = data.length / outputs;
  return {
    shape: [rows, outputs],
    data: data.map((_, i) => data[i % outputs * rows + Math.floor(i / outputs)] as number),
  };
}

/** A tensor of PyTorch's, in our order. */
function ours(name: string, numbers: Numbers): Numbers {
  if (name === "bias") return numbers;
  return name === "weight" ? matrixOf(numbers) : channelsLast(numbers);
}

/** The layer of a case; both conv functions declare `weight` and `bias`. */
function layerOf(name: string, x: Tensor, { arguments: options, given }: WindowGolden) {
  const { scope, params } = newScope(x.trace, { training: false });
  const width = given["bias"]?.shape[0] ?? 0;
  const { kernel } = options;
  const along = { ...options, kernel: typeof kernel === "number" ? kernel : kernel[0] };
  const layers: Readonly<Record<string, () => Tensor>> = {
    conv2d: () => conv2d(scope, x, { ...options, kernel: kernel as Sizes2d, width }),
    conv1d: () => conv1d(scope, x, { ...along as PoolOptions<number>, width }),
    max_pool2d: () => maxPool2d(x, options as PoolOptions),
    max_pool1d: () => maxPool1d(x, along as PoolOptions<number>),
  };
  const layer = layers[name.split("_").slice(0, name.startsWith("max") ? 2 : 1).join("_")];
  assert(layer !== undefined, name);
  return { y: layer(), params };
}

async function check(
  device: Device,
  name: string,
  bound: (largest: number) => number,
): Promise<void> {
  const golden = await readTorch<WindowGolden>(name, "convolution");
  const trace = newTrace();
  const given = Object.entries(golden.given).map(([key, value]) =>
    [key, ours(key, value)] as const
  );
  const { shape } = ours("x", golden.given["x"] as Numbers);
  const x = trace.source({ shape, dtype: "f32" }, "batch", "x");
  const { y, params } = layerOf(name, x, golden);
  const weighting = ours("y", golden.weighting["y"] as Numbers);
  assertEquals(y.shape, weighting.shape);
  const wanted = Object.fromEntries([["x", x], ...params.map((p) => [p.name, p.tensor] as const)]);
  const flows = gradientsOf(weightedSum([[y, weighting.data]]), wanted);
  const results = {
    y,
    ...Object.fromEntries(Object.entries(flows).map(([key, flow]) => [`d ${key}`, flow])),
  };
  const values = Object.fromEntries(given.map(([key, { data }]) => [key, data]));
  const got = await runTrace(device, results, values);
  const want = [
    ["y", ours("y", golden.results["y"] as Numbers)] as const,
    ...Object.entries(golden.gradients).map(([key, value]) =>
      [`d ${key}`, ours(key, value)] as const
    ),
  ];
  assertEquals(want.map(([key]) => key).sort(), Object.keys(got).sort());
  for (const [key, { data }] of want) {
    const largest = data.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    assert(largest > 0);
    data.forEach((value, i) => {
      const off = Math.abs(value - (got[key]?.[i] as number));
      assert(off <= bound(largest), `${key} at ${i}: ${got[key]?.[i]} instead of ${value}`);
    });
  }
}

/** Terms of the longest sum: a bias's gradient, or an output of the widest window. */
const TERMS = 128;

for (const name of CASES) {
  Deno.test(`${name} is that of PyTorch in f64`, async () => {
    await check(openReference({ precision: "f64" }), name, (largest) => 1e-12 * largest);
  });
  Deno.test(`${name} is that of PyTorch on the CPU device`, async () => {
    await check(openCpu(), name, (largest) => tolerance(TERMS, largest));
  });
  Deno.test({
    ...onGpu(`${name} is that of PyTorch on WebGPU`),
    fn: async () => {
      const device = await openWebGpu({ runtime: Deno.version.deno });
      await check(device, name, (largest) => tolerance(TERMS, largest));
      device.close();
    },
  });
}
