/**
 * Times every kernel that the tiling table allows for a shape, and marks the selected one: the data
 * from which the table is filled in. All kernels of a shape must give the same results.
 */
import { launchMatmul, matmulOp, variantName, variantsOf } from "../../kernels/matmul/mod.ts";
import type { Variant } from "../../kernels/matmul/mod.ts";
import type { Device, Memory } from "../../src/device/types.ts";
import { kernelClass } from "../../src/graph/target.ts";
import type { Op, Target } from "../../src/graph/types.ts";
import { planOf } from "../../src/testing/cases.ts";
import { openBenchDevice, shownName } from "../device.ts";
import { isCpuDevice } from "../machine.ts";
import { roundOfCalls } from "./calls.ts";
import { timeCpuShape } from "./matmul_cpu.ts";
import { attrsOf, endsOf, fill, inputsOf, requireEqual } from "./matmul_inputs.ts";
import { SHAPES } from "./matmul_shapes.ts";
import type { Shape } from "./matmul_shapes.ts";
import type { Report, Section } from "../report.ts";
import { fixed, percent } from "../table.ts";
import { medians } from "../time.ts";
import type { Filter } from "../filter.ts";
import type { Budget } from "../time.ts";

/** Short timings, because there are many kernels. */
const BUDGET: Budget = { rounds: 3, roundSeconds: 0.05 };
/** FLOP of the largest product that is timed on CPUs, unless its name is given. */
const SMALL = { driver: 3e8, cpu: 5e9 } as const;

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
  { filter, doing, kind, device: asked = "auto", budget = BUDGET }: MatmulBench,
): Promise<Report> {
  const device = await openBenchDevice(asked);
  const adapter = shownName(device);
  const onCpu = isCpuDevice(adapter);
  const target: Target = { ...device.target, ...kind !== undefined && { kind } };
  const left: string[] = [];
  const sections: Section[] = [];
  for (const [title, shapes] of Object.entries(SHAPES)) {
    const named = shapes.filter(({ name }) => name.includes(filter));
    const most = onCpu ? SMALL.cpu : target.kind === "cpu" ? SMALL.driver : Infinity;
    const done = named.filter((shape) => fits(shape, { device, filter, most }));
    left.push(...named.filter((shape) => !done.includes(shape)).map(({ name }) => name));
    const rows: string[][] = [];
    for (const shape of done) {
      doing?.(shape.name);
      rows.push(
        ...onCpu
          ? await timeCpuShape(shape, budget)
          : await timeShape(shape, { device, target, budget, memory: device.memory() }),
      );
    }
    if (rows.length > 0) sections.push({ title, table: [HEAD, ...rows] });
  }
  device.close();
  const notes = [
    onCpu
      ? "Chosen: the tile of this process's mode; A' and B' are stored transposed; one thread"
      : `Chosen for ${kernelClass(target)}; A' and B' are stored transposed`,
    ...left.length === 0 ? [] : [
      "Left out, since their matrices do not fit here, or since they are large for a CPU, which " +
      `runs them by their full names: ${left.join(", ")}`,
    ],
  ];
  const last = sections.pop() ?? { title: "Nothing", table: [HEAD] };
  return { what: "matmul", adapter, sections: [...sections, { ...last, notes }] };
}

const HEAD = ["product: kernel", "us", "GFLOP/s", "of best", "chosen"];

/** Whether a shape is timed: its matrices fit, and it has at most `most` FLOP or is asked for. */
function fits(
  shape: Shape,
  { device, filter, most }: { device: Device; filter: string; most: number },
): boolean {
  const { name, m, n, k } = shape;
  if (4 * Math.max(m * k, k * n, m * n) > device.bindingBytes) return false;
  return 2 * m * n * k <= most || name === filter;
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
    const got = await endsOf(shape, memory);
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

const opOf = ({ tiling }: Variant): Op => ({
  ...matmulOp,
  launch: (io, attrs) => launchMatmul(io, attrs, tiling),
});
