/**
 * Times every kernel that the tiling table allows for a shape, and marks the selected one: the data
 * from which the table is filled in. All kernels of a shape must give the same results.
 */
import { launchMatmul, matmulOp, variantName, variantsOf } from "../../kernels/matmul/mod.ts";
import type { Variant } from "../../kernels/matmul/mod.ts";
import { fold, rootKey, uniforms } from "../../src/base/random.ts";
import type { Device, Memory } from "../../src/device/types.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";
import { kernelClass } from "../../src/graph/target.ts";
import type { Op, Spec, Target } from "../../src/graph/types.ts";
import { planOf } from "../../src/testing/cases.ts";
import { tolerance } from "../../src/testing/tolerance.ts";
import { roundOfCalls } from "./calls.ts";
import { SHAPES } from "./matmul_shapes.ts";
import type { Shape } from "./matmul_shapes.ts";
import type { Report, Section } from "../report.ts";
import { fixed, percent } from "../table.ts";
import { medians } from "../time.ts";
import type { Filter } from "../filter.ts";
import type { Budget } from "../time.ts";

/** Short timings, because there are many kernels. */
const BUDGET: Budget = { rounds: 3, roundSeconds: 0.05 };
/** FLOP of the largest product that is timed on software drivers, unless its name is given. */
const SMALL = 3e8;
/** Random numbers that inputs are filled with, repeated. */
const BLOCK = 2 ** 16;
/** Elements of a result that are compared, at its start and at its end. */
const COMPARED = 4096;

/** Shapes to time, and the device class; default: the adapter's. */
export interface MatmulBench extends Filter {
  readonly kind?: Target["kind"];
  readonly budget?: Budget;
}

/** A kernel on a device. */
interface Timed {
  readonly device: Device;
  readonly memory: Memory;
  readonly target: Target;
  readonly budget: Budget;
}

/** Times all shapes whose names contain `filter`. */
export async function benchMatmul(
  { filter, doing, kind, budget = BUDGET }: MatmulBench,
): Promise<Report> {
  const device = await openWebGpu({ runtime: Deno.version.deno });
  const target: Target = { ...device.target, ...kind !== undefined && { kind } };
  const left: string[] = [];
  const sections: Section[] = [];
  for (const [title, shapes] of Object.entries(SHAPES)) {
    const asked = shapes.filter(({ name }) => name.includes(filter));
    const done = asked.filter((shape) => fits(shape, { device, filter }));
    left.push(...asked.filter((shape) => !done.includes(shape)).map(({ name }) => name));
    const rows: string[][] = [];
    for (const shape of done) {
      doing?.(shape.name);
      rows.push(...await timeShape(shape, { device, target, budget, memory: device.memory() }));
    }
    if (rows.length > 0) sections.push({ title, table: [HEAD, ...rows] });
  }
  device.close();
  const notes = [
    `Chosen for ${kernelClass(target)}; A' and B' are stored transposed`,
    ...left.length === 0 ? [] : [
      "Left out, since their matrices do not fit here, or since they are large for a software " +
      `driver, which runs them by their full names: ${left.join(", ")}`,
    ],
  ];
  const last = sections.pop() ?? { title: "Nothing", table: [HEAD] };
  return { what: "matmul", adapter: device.name, sections: [...sections, { ...last, notes }] };
}

const HEAD = ["product: kernel", "us", "GFLOP/s", "of best", "chosen"];

/** Whether a shape is timed: its matrices fit, and it is not too slow on a software driver. */
function fits(shape: Shape, { device, filter }: { device: Device; filter: string }): boolean {
  const { name, m, n, k } = shape;
  if (4 * Math.max(m * k, k * n, m * n) > device.bindingBytes) return false;
  return device.target.kind === "gpu" || 2 * m * n * k <= SMALL || name === filter;
}

async function timeShape(shape: Shape, timed: Timed): Promise<string[][]> {
  const { memory, target } = timed;
  const specs = inputsOf(shape);
  const variants = variantsOf(shape, target);
  const plans = variants.map((variant) => planOf(opOf(variant), specs, attrsOf(shape)));
  const rounds = [];
  let first: Float32Array | undefined;
  for (const [i, plan] of plans.entries()) {
    const program = await timed.device.load(plan, memory);
    if (i === 0) specs.forEach((spec, input) => fill(spec, { memory, slot: `x${input}`, input }));
    program.run();
    const length = Math.min(COMPARED, shape.m * shape.n);
    const ends = [0, shape.m * shape.n - length];
    const got = await memory.read(ends.map((offset) => ({ slot: "y0", offset, length })));
    requireEqual(shape, first ??= got, { got, name: variants[i]?.name as string });
    rounds.push(await roundOfCalls(plan, plan.calls, timed));
  }
  const seconds = await medians(rounds, timed.budget.rounds);
  const best = Math.min(...seconds);
  const chosen = variantName(shape, target);
  return variants.map(({ name }, i) => {
    const own = seconds[i] as number;
    const mark = name === chosen ? "*" : "";
    const rate = 2 * shape.m * shape.n * shape.k / own / 1e9;
    return [
      `${shape.name}: ${name}`,
      fixed(own * 1e6),
      fixed(rate),
      percent(best, own),
      mark,
    ];
  });
}

const attrsOf = ({ ta, tb }: Shape) => ({ ta, tb });

const opOf = ({ tiling }: Variant): Op => ({
  ...matmulOp,
  launch: (io, attrs) => launchMatmul(io, attrs, tiling),
});

function inputsOf({ m, n, k, ta, tb }: Shape): Spec[] {
  const f32 = (...shape: number[]): Spec => ({ shape, dtype: "f32" });
  return [ta ? f32(k, m) : f32(m, k), tb ? f32(n, k) : f32(k, n)];
}

/** Random inputs: on zeros a GPU draws less power and runs faster. */
function fill(
  { shape }: Spec,
  { memory, slot, input }: { memory: Memory; slot: string; input: number },
): void {
  const block = Float32Array.from(uniforms(fold(rootKey(1), input), BLOCK, [-1, 1]));
  const total = shape.reduce((a, b) => a * b, 1);
  for (let at = 0; at < total; at += BLOCK) {
    memory.write(slot, block.subarray(0, Math.min(BLOCK, total - at)), at);
  }
}

/** @throws {Error} when two kernels of a product disagree. */
function requireEqual(
  { name: product, k }: Shape,
  want: Float32Array,
  { got, name }: { got: Float32Array; name: string },
): void {
  const bound = 2 * tolerance(k + 64, want.reduce((m, v) => Math.max(m, Math.abs(v)), 0));
  const at = want.findIndex((v, i) => !(Math.abs(v - (got[i] as number)) <= bound));
  if (at < 0) return;
  throw new Error(
    `Cannot time ${product} by ${name}: kernels must agree: ${want[at]} and ${got[at]} at ${at}`,
  );
}
