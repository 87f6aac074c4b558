/**
 * The best that a device does here: FLOP/s of our fastest matmul and bytes/s of a copy, and what its
 * maker says of it. Shares are taken of these.
 */
import { matmul } from "../../kernels/matmul/mod.ts";
import { pointwise } from "../../kernels/pointwise/mod.ts";
import type { Device } from "../device/types.ts";
import { type Expr, formula } from "../graph/formula.ts";
import { newTrace } from "../graph/trace.ts";
import type { Tensor, Trace } from "../graph/types.ts";
import { compile } from "../plan/compile.ts";
import { now } from "./now.ts";

/** What was measured. */
export interface Peaks {
  readonly flops_per_s: number;
  readonly bytes_per_s: number;
  /** Sides of the square matrices that were multiplied. */
  readonly side: number;
}

/** Rounds, of which the best counts, and seconds of work in each. */
const ROUNDS = 5;
const ROUND_SECONDS = 0.1;
/** Sides of matrices, and elements that are copied, on software drivers and on GPUs. */
const SIZES = {
  cpu: { side: 512, elements: 2 ** 22 },
  gpu: { side: 4096, elements: 2 ** 26 },
} as const;

const COPY = formula(1, (x) => x as Expr);

/** f32 peaks without tensor cores in FLOP/s, by their makers' data sheets. */
const PUBLISHED: readonly (readonly [RegExp, number])[] = [
  [/\bA100\b/, 19.5e12],
  [/\bH[12]00\b/, 66.9e12],
];

/** The vendor's peak of an adapter, where it is known. */
export function publishedPeak(adapter: string): number | undefined {
  return PUBLISHED.find(([pattern]) => pattern.test(adapter))?.[1];
}

/** Measures both. */
export async function measurePeaks(device: Device): Promise<Peaks> {
  const { side, elements } = SIZES[device.target.kind];
  const seconds = await bestOf(device, (trace) => {
    const [a, b] = ["a", "b"].map((name) => source(trace, name, [side, side]));
    return matmul(a as Tensor, b as Tensor);
  });
  const copied = Math.min(elements, device.bindingBytes / 4);
  const copying = await bestOf(
    device,
    (trace) => pointwise(COPY, [source(trace, "a", [copied])]),
  );
  return { flops_per_s: 2 * side ** 3 / seconds, bytes_per_s: 8 * copied / copying, side };
}

/** The better of two measurements, each number for itself: others on the machine only slow one down. */
export function betterPeaks(a: Peaks, b: Peaks): Peaks {
  return {
    flops_per_s: Math.max(a.flops_per_s, b.flops_per_s),
    bytes_per_s: Math.max(a.bytes_per_s, b.bytes_per_s),
    side: a.side,
  };
}

function source(trace: Trace, name: string, shape: readonly number[]): Tensor {
  return trace.source({ shape, dtype: "f32" }, "batch", name);
}

/** Seconds of one run in the best round. */
async function bestOf(device: Device, traced: (trace: Trace) => Tensor): Promise<number> {
  const trace = newTrace();
  const results = { y: traced(trace) };
  const { calls, constants } = trace;
  const memory = device.memory();
  const program = await device.load(compile({ calls, constants, results }), memory);
  const round = async (times: number): Promise<number> => {
    const begin = now();
    for (let i = 0; i < times; i++) program.run();
    await memory.read([{ slot: "y", offset: 0, length: 1 }]);
    return (now() - begin) / times;
  };
  await round(1);
  const times = Math.min(1000, Math.max(1, Math.ceil(ROUND_SECONDS / await round(1))));
  let best = Infinity;
  for (let i = 0; i < ROUNDS; i++) best = Math.min(best, await round(times));
  return best;
}
