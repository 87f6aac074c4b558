/**
 * The CPU device: prints a plan as one WebAssembly module, whose function `run` calls the kernels of
 * the plan in order with constant addresses. All slots are ranges of one memory.
 */
import { hashValue, sha256 } from "../base/hash.ts";
import { sizeOf } from "../base/shape.ts";
import type { Call, Target, View } from "../graph/types.ts";
import type { Plan, Region as PlanRegion } from "../plan/types.ts";
import type { Callee } from "../wasm/function.ts";
import { machineFuses } from "../wasm/fuses.ts";
import { ModuleBuilder } from "../wasm/module.ts";
import type { WasmTarget } from "../wasm/kernel.ts";
import type { Area } from "../wasm/values.ts";
import { CpuMemory, LinearMemory } from "./cpu_memory.ts";
import { RunClock } from "./run_clock.ts";
import type { Memory, Program, TimedDevice } from "./types.ts";

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
  /** Times every run of a program; default: false. */
  readonly clock?: boolean;
}

/** Opens the CPU device. Its results have the same bits on all machines that fuse alike. */
export function openCpu(
  { pairs = false, fuses = machineFuses(), clock = false }: CpuOptions = {},
): TimedDevice {
  const state: CpuState = { linear: new LinearMemory(), pairs, fuses, kernels: new Set() };
  const runs = clock ? new RunClock() : undefined;
  return {
    target: { ...TARGET, fuses },
    name: "cpu",
    mode: modeName(pairs),
    bindingBytes: MOST_BYTES,
    bufferBytes: MOST_BYTES,
    get shaders() {
      return hashValue(Array.from(state.kernels).sort());
    },
    memory: () => new CpuMemory(state.linear),
    expect: () => {},
    load: async (plan, memory) => {
      const program = await load(plan, memory, state);
      return runs === undefined ? program : { run: () => runs.time(program.run) };
    },
    passSeconds: () => Promise.resolve(runs?.seconds),
    passes: () => Promise.resolve(runs?.take()),
    passesFree: runs === undefined ? 0 : Infinity,
    lost: new Promise<string>(() => {}),
    close: () => {},
  };
}

/** The name of a mode, as manifests and doctor show it. */
export function modeName(pairs: boolean): string {
  return pairs ? "256 bits at a time" : "128 bits at a time";
}

/** What the plans of a device share. */
interface CpuState {
  readonly linear: LinearMemory;
  readonly pairs: boolean;
  readonly fuses: boolean;
  /** SHA-256 (hex) of the kernels printed so far, for no pairs: register tiles change no bits. */
  readonly kernels: Set<string>;
}

/** What a run does in order: a function of the module, or a reference. */
type Step = () => void;

async function load(plan: Plan, memory: Memory, state: CpuState): Promise<Program> {
  const { linear, pairs, fuses } = state;
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
  const builder = new ModuleBuilder({ fuses });
  const { kernels, scratch } = printKernels(plan, builder, { pairs });
  const plain = pairs ? new ModuleBuilder({ fuses }) : builder;
  if (pairs) printKernels(plan, plain, { pairs: false });
  for (const body of plain.bodies) state.kernels.add(sha256(body));
  const scratchAt = linear.allocate(scratch);
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
    if (open === undefined) {
      open = [];
      steps.push(runs.push(open) - 1);
    }
    const addresses = [...call.inputs, ...call.outputs].map(addressOf);
    open.push({ kernel, addresses: [...addresses, scratchAt] });
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

/**
 * Prints the kernel of each call, undefined where its op has none; and the bytes of scratch memory
 * that the largest one needs.
 */
function printKernels(
  plan: Plan,
  builder: ModuleBuilder,
  target: WasmTarget,
): { readonly kernels: readonly (Callee | undefined)[]; readonly scratch: number } {
  let most = 0;
  const kernels = plan.calls.map(({ op, attrs, inputs, outputs }) => {
    const kernel = op.wasm?.({ inputs, outputs }, attrs, target);
    if (kernel === undefined) return undefined;
    const scratch = kernel.scratch ?? 0;
    most = Math.max(most, scratch);
    const areas = [
      ...[...inputs, ...outputs].map(({ shape }, k) => ({
        name: `${op.name} ${k}`,
        bytes: 4 * sizeOf(shape),
      })),
      { name: `${op.name} scratch`, bytes: scratch },
    ];
    return builder.define({ areas }, (b, all) => {
      kernel.print(b, {
        inputs: all.slice(0, inputs.length),
        outputs: all.slice(inputs.length, -1),
        scratch: all.at(-1) as Area,
      });
    });
  });
  return { kernels, scratch: most };
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
