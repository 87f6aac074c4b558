/**
 * Times the bench cases of every op against its naive twin, on the same inputs. A twin whose result
 * differs from the op's is an error: a ratio must compare equal work.
 */
import { OPS } from "../../kernels/mod.ts";
import { sizeOf } from "../../src/base/shape.ts";
import type { Device, Memory } from "../../src/device/types.ts";
import { measurePeaks, type Peaks } from "../../src/measure/peak.ts";
import type { Case, Op, View } from "../../src/graph/types.ts";
import type { Plan } from "../../src/plan/types.ts";
import { caseName, outputSlot, planOf, randomInputs } from "../../src/testing/cases.ts";
import { tolerance } from "../../src/testing/tolerance.ts";
import { roundOfCalls } from "./calls.ts";
import { openBenchDevice, shownName } from "../device.ts";
import { isCpuDevice } from "../machine.ts";
import { TWINS } from "../naive/mod.ts";
import { asOp } from "../naive/twin.ts";
import type { Twin } from "../naive/twin.ts";
import type { Report } from "../report.ts";
import { fixed, percent } from "../table.ts";
import type { Budget, Round } from "../time.ts";
import type { Filter } from "../filter.ts";
import { FULL, medians } from "../time.ts";

/** A timed case. */
export interface OpTiming {
  readonly name: string;
  readonly seconds: number;
  readonly flops: number;
  readonly bytes: number;
  /** Seconds of the naive twin, if there is one. */
  readonly naive: number | undefined;
  /** Seconds of the composition that the op's own kernels replace, if there is one. */
  readonly composed?: number | undefined;
}

/** Times the bench cases whose names contain `filter`. */
export async function benchOps(
  { filter, doing, device: kind = "auto", budget = FULL }: Filter & { readonly budget?: Budget },
): Promise<Report> {
  const device = await openBenchDevice(kind);
  const adapter = shownName(device);
  const onCpu = isCpuDevice(adapter);
  const rows: OpTiming[] = [];
  for (const op of OPS) {
    for (const test of op.cases) {
      if (test.kind !== "bench" || !rowName(op, test).includes(filter)) continue;
      doing?.(rowName(op, test));
      // Memory of the CPU device is freed with the device alone.
      const own = onCpu ? await openBenchDevice("cpu") : device;
      rows.push(await timeCase(op, test, { device: own, budget, ...onCpu && { twin: undefined } }));
    }
  }
  // After the ops, when a processor with power saving has reached its full clock.
  const peaks = await measurePeaks(device);
  device.close();
  const notes = [peakNote(peaks), ...onCpu ? [NO_TWINS] : []];
  const table = opsTable(rows, peaks, { twins: !onCpu });
  return { what: "ops", adapter, sections: [{ title: "Ops", table, notes }] };
}

const NO_TWINS = "One thread; naive twins are WGSL, so no column stands beside an op";

/** Times a case and its twin. @throws {Error} when their results differ. */
export async function timeCase(
  op: Op,
  test: Case,
  { device, budget, ...given }: {
    device: Device;
    budget: Budget;
    /** Default: the op's own; undefined for none. */
    twin?: Twin | undefined;
  },
): Promise<OpTiming> {
  const twin = "twin" in given ? given.twin : TWINS.get(op.name);
  const { inputs, attrs } = test;
  const views = randomInputs(test);
  const { flops, bytes } = op.cost({ inputs, outputs: op.shape(inputs, attrs) }, attrs);
  const ours = await prepare(op, test, { device, views });
  const prepared = [ours];
  const hasBoth = op.compose !== undefined && !op.isExpanded;
  if (hasBoth) prepared.push(await prepare({ ...op, isExpanded: true }, test, { device, views }));
  if (twin !== undefined) {
    const theirs = await prepare(asOp(op, twin), test, { device, views });
    for (const k of twin.fills) await requireEqual(op, test, { ours, theirs, output: k });
    prepared.push(theirs);
  }
  const rounds: Round[] = [];
  for (const { plan, memory } of prepared) {
    rounds.push(await roundOfCalls(plan, plan.calls, { device, memory, budget }));
  }
  const [seconds = NaN, ...others] = await medians(rounds, budget.rounds);
  const composed = hasBoth ? others.shift() : undefined;
  return { name: rowName(op, test), seconds, flops, bytes, naive: others[0], composed };
}

/** A case's name without its kind. */
function rowName(op: Op, test: Case): string {
  return caseName(op, test).replace(` ${test.kind}`, "");
}

/** A case on a device, run once. */
interface Prepared {
  readonly plan: Plan;
  readonly memory: Memory;
}

async function prepare(
  op: Op,
  { inputs, attrs }: Case,
  { device, views }: { device: Device; views: readonly View[] },
): Promise<Prepared> {
  const plan = planOf(op, inputs, attrs);
  const memory = device.memory();
  const program = await device.load(plan, memory);
  views.forEach(({ data }, i) => {
    memory.write(`x${i}`, data instanceof Float64Array ? Float32Array.from(data) : data);
  });
  program.run();
  return { plan, memory };
}

async function requireEqual(
  op: Op,
  { inputs, attrs }: Case,
  { ours, theirs, output }: { ours: Prepared; theirs: Prepared; output: number },
): Promise<void> {
  const specs = op.shape(inputs, attrs);
  const spec = specs[output];
  if (spec === undefined) throw new RangeError(`Cannot compare output ${output} of ${op.name}`);
  const stretch = { slot: outputSlot(op, attrs, output), offset: 0, length: sizeOf(spec.shape) };
  const [a, b] = [await ours.memory.read([stretch]), await theirs.memory.read([stretch])];
  const at = spec.dtype === "u32"
    ? firstUnequal(wordsOf(a), wordsOf(b), 0)
    : firstUnequal(a, b, bound(a, op.cost({ inputs, outputs: specs }, attrs).terms));
  if (at < 0) return;
  throw new Error(
    `Cannot compare ${op.name} with its naive twin: output ${output} must agree: ` +
      `${a[at]} and ${b[at]} at ${at}`,
  );
}

/** Both may deviate by the tolerance of a kernel. */
function bound(values: Float32Array, terms: number): number {
  return 2 * tolerance(terms, values.reduce((m, v) => Math.max(m, Math.abs(v)), 0));
}

function firstUnequal(a: ArrayLike<number>, b: ArrayLike<number>, bound: number): number {
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] as number) - (b[i] as number));
    if (!(difference <= bound)) return i;
  }
  return -1;
}

function wordsOf(floats: Float32Array): Uint32Array {
  return new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
}

/**
 * Rows of timings, with an op's fractions of the device's peak rates, and the gain over
 * compositions where any op has one.
 */
export function opsTable(
  rows: readonly OpTiming[],
  peaks: Peaks,
  { twins = true }: { readonly twins?: boolean } = {},
): string[][] {
  const table = [
    [
      ...["op", "us", "GFLOP/s", "GB/s", "of matmul", "of copy"],
      ...twins ? ["naive us", "naive / ours"] : [],
    ],
    ...rows.map(({ name, seconds, flops, bytes, naive }) => [
      name,
      fixed(seconds * 1e6),
      fixed(flops / seconds / 1e9),
      fixed(bytes / seconds / 1e9),
      percent(flops / seconds, peaks.flops_per_s),
      percent(bytes / seconds, peaks.bytes_per_s),
      ...!twins
        ? []
        : naive === undefined
        ? ["", ""]
        : [fixed(naive * 1e6), fixed(naive / seconds)],
    ]),
  ];
  if (rows.every(({ composed }) => composed === undefined)) return table;
  const gains = rows.map(({ composed, seconds }) =>
    composed === undefined ? "" : fixed(composed / seconds)
  );
  return table.map((cells, i) => [...cells, ["composed / ours", ...gains][i] as string]);
}

function peakNote({ flops_per_s, bytes_per_s, side }: Peaks): string {
  return `Shares are of the best here: a matmul of side ${side} with ${
    fixed(flops_per_s / 1e9)
  } GFLOP/s, a copy with ${fixed(bytes_per_s / 1e9)} GB/s, read and written bytes counted`;
}
