/**
 * Times a product by the two tiles of the CPU device: that for pairs of vectors, which V8 joins into
 * 256 bits in a process with its flags, and that for single vectors of 128 bits.
 */
import { matmulOp } from "../../kernels/matmul/mod.ts";
import { openCpu } from "../../src/device/cpu.ts";
import { cpuMode } from "../../src/device/v8.ts";
import { planOf } from "../../src/testing/cases.ts";
import { fixed, percent } from "../table.ts";
import type { Budget } from "../time.ts";
import { medians } from "../time.ts";
import { roundOfCalls } from "./calls.ts";
import { attrsOf, endsOf, fill, inputsOf, requireEqual } from "./matmul_inputs.ts";
import type { Shape } from "./matmul_shapes.ts";

const TILES = [{ name: "tile for pairs", pairs: true }, { name: "tile for vectors", pairs: false }];

/** Rows of the table of products. @throws {Error} when the tiles disagree. */
export async function timeCpuShape(shape: Shape, budget: Budget): Promise<string[][]> {
  const rounds = [];
  let first: Float32Array | undefined;
  for (const { name, pairs } of TILES) {
    const device = openCpu({ pairs });
    const memory = device.memory();
    const plan = planOf(matmulOp, inputsOf(shape), attrsOf(shape));
    const program = await device.load(plan, memory);
    inputsOf(shape).forEach((spec, input) => fill(spec, { memory, slot: `x${input}`, input }));
    program.run();
    const got = await endsOf(shape, memory);
    requireEqual(shape, first ??= got, { got, name });
    rounds.push(await roundOfCalls(plan, plan.calls, { device, memory, budget }));
  }
  const seconds = await medians(rounds, budget.rounds);
  const best = Math.min(...seconds);
  const chosen = cpuMode(Deno.version.deno).pairs;
  return TILES.map(({ name, pairs }, i) => {
    const own = seconds[i] as number;
    return [
      `${shape.name}: ${name}`,
      fixed(own * 1e6),
      fixed(2 * shape.m * shape.n * shape.k / own / 1e9),
      percent(best, own),
      pairs === chosen ? "*" : "",
    ];
  });
}
