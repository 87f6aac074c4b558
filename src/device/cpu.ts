/**
 * The CPU device: prints a plan as one WebAssembly module, whose function `run` calls the kernels of
 * the plan in order with constant addresses. All slots are ranges of one memory.
 */
import { maxOf } from "../base/extremes.ts";
import { sizeOf } from "../base/shape.ts";
import type { Call, Target, View } from "../graph/types.ts";
import type { Plan, Region as PlanRegion } from "../plan/types.ts";
import type { Callee } from "../wasm/function.ts";
import { machineFuses } from "../wasm/fuses.ts";
import { ModuleBuilder } from "../wasm/module.ts";
import type { WasmTarget } from "../wasm/kernel.ts";
import { CpuMemory, LinearMemory } from "./cpu_memory.ts";
import type { Device, Memory, Program } from "./types.ts";

/** Kernels of other devices are selected by it; those of this one by {@linkcode WasmTarget}. */
const TARGET: Target = { kind: "cpu", workgroupBytes: 16384, invocations: 256, groups: 65535 };
/** Bytes of the largest WebAssembly memory. */
const MOST_BYTES = 2 ** 32 - 2 ** 16;

/** Options of {@linkcode openCpu}. */
export interface CpuOptions {
  /** Whether V8 joins neighbouring vector operations into 256-bit operations; default: false. */
  readonly pairs?: boolean;
  /** Whether the machine fuses multiply-add; default: probed. False simulates one that does not. */
  readonly fuses?: boolean;
}

/**
 * Opens the CPU device. Its results have the same bits on all machines of a class, which is its
 * `shaders`: `cpu` where multiply-add is fused, else `cpu, unfused`.
 */
export function openCpu({ pairs = false, fuses = machineFuses() }: CpuOptions = {}): Device {
  const linear = new LinearMemory();
  const target: WasmTarget = { pairs };
  return {
    target: TARGET,
    name: "cpu",
    bindingBytes: MOST_BYTES,
    bufferBytes: MOST_BYTES,
    shaders: fuses ? "cpu" : "cpu, unfused",
    memory: () => new CpuMemory(linear),
    expect: () => {},
    load: (plan, memory) => load(plan, { memory, linear, target, fuses }),
    lost: new Promise<string>(() => {}),
    close: () => {},
  };
}

/** What a run does in order: a function of the module, or a reference. */
type Step = () => void;

async function load(
  plan: Plan,
  { memory, linear, target, fuses }: {
    readonly memory: Memory;
    readonly linear: LinearMemory;
    readonly target: WasmTarget;
    readonly fuses: boolean;
  },
): Promise<Program> {
  if (!(memory instanceof CpuMemory) || memory.linear !== linear) {
    throw new TypeError("Cannot load: memory of another device");
  }
  const starts = plan.slots.map(({ name, role, size }) =>
    role === "local" || role === "const" ? linear.allocate(4 * size) : memory.slot(name, size).at
  );
  const addressOf = ({ slot, offset }: PlanRegion) => starts[slot] as number + 4 * offset;
  for (const { region, data } of plan.constants) {
    new Float32Array(linear.buffer, addressOf(region), data.length).set(data);
  }
  const kernels = plan.calls.map(({ op, attrs, inputs, outputs }) =>
    op.wasm?.({ inputs, outputs }, attrs, target)
  );
  const scratch = maxOf([0, ...kernels.map((kernel) => kernel?.scratch ?? 0)]);
  const scratchAt = linear.allocate(scratch);
  const builder = new ModuleBuilder({ fuses });
  const runs: { kernel: Callee; addresses: number[] }[][] = [];
  const steps: (number | Call<PlanRegion>)[] = [];
  let open: { kernel: Callee; addresses: number[] }[] | undefined;
  plan.calls.forEach((call, i) => {
    const kernel = kernels[i];
    if (kernel === undefined) {
      steps.push(call);
      open = undefined;
      return;
    }
    const regions = [...call.inputs, ...call.outputs];
    const named = [
      ...regions.map((region, k) => ({
        name: `${call.op.name} ${k}`,
        bytes: 4 * sizeOf(region.shape),
      })),
      { name: `${call.op.name} scratch`, bytes: kernel.scratch ?? 0 },
    ];
    const index = builder.define({ areas: named }, (b, all) => {
      kernel.print(b, {
        inputs: all.slice(0, call.inputs.length),
        outputs: all.slice(call.inputs.length, -1),
        scratch: all.at(-1) as (typeof all)[number],
      });
    });
    if (open === undefined) {
      open = [];
      steps.push(runs.push(open) - 1);
    }
    open.push({ kernel: index, addresses: [...regions.map(addressOf), scratchAt] });
  });
  runs.forEach((calls, k) => builder.sequence(`run${k}`, calls));
  const module = await WebAssembly.compile(builder.encode());
  const instance = await WebAssembly.instantiate(module, { env: { memory: linear.memory } });
  const order: Step[] = steps.map((step) =>
    typeof step === "number"
      ? instance.exports[`run${step}`] as Step
      : () => runReference(step, linear, addressOf)
  );
  return { run: () => order.forEach((step) => step()) };
}

/** Runs an op's reference over views of the memory. */
function runReference(
  { op, attrs, inputs, outputs }: Call<PlanRegion>,
  linear: LinearMemory,
  addressOf: (region: PlanRegion) => number,
): void {
  const view = (region: PlanRegion): View => {
    const { shape, dtype } = region;
    const make = dtype === "u32" ? Uint32Array : Float32Array;
    return { shape, dtype, data: new make(linear.buffer, addressOf(region), sizeOf(shape)) };
  };
  op.reference({ inputs: inputs.map(view), outputs: outputs.map(view) }, attrs);
}
