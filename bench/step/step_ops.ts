/**
 * Device time of a step by op. Each call of each plan is timed alone, in the order of the plan and
 * on its real inputs: local buffers are shared by name between the programs of single calls.
 */
import type { Plan } from "../../src/plan/types.ts";
import type { Device, Memory } from "../../src/device/types.ts";
import { roundOfCalls, sharing } from "../kernels/calls.ts";
import type { Section } from "../report.ts";
import { fixed, percent } from "../table.ts";
import type { Budget } from "../time.ts";
import { medians } from "../time.ts";

/** A plan, and how often a step runs it. */
export interface PlanUse {
  readonly name: string;
  readonly plan: Plan;
  readonly times: number;
}

interface Sum {
  calls: number;
  seconds: number;
  flops: number;
  bytes: number;
}

/** Rows by op, slowest first. `memory` is a replica's, with parameters and a batch. */
export async function timeByOp(
  plans: readonly PlanUse[],
  { device, memory, budget }: { device: Device; memory: Memory; budget: Budget },
): Promise<Omit<Section, "title">> {
  const sums = new Map<string, Sum>();
  for (const { name, plan, times } of plans) {
    const shared = sharing(plan, name);
    for (const call of shared.calls) {
      const round = await roundOfCalls(shared, [call], { device, memory, budget });
      const [seconds = NaN] = await medians([round], budget.rounds);
      const { flops, bytes } = call.op.cost(call, call.attrs);
      const sum = sums.get(call.op.name) ?? { calls: 0, seconds: 0, flops: 0, bytes: 0 };
      sums.set(call.op.name, {
        calls: sum.calls + times,
        seconds: sum.seconds + times * seconds,
        flops: sum.flops + times * flops,
        bytes: sum.bytes + times * bytes,
      });
    }
  }
  const rows = [...sums].toSorted(([, a], [, b]) => b.seconds - a.seconds);
  const total = rows.reduce((sum, [, { seconds }]) => sum + seconds, 0);
  return {
    table: [
      ["op", "calls", "ms", "share", "GFLOP/s", "GB/s"],
      ...rows.map(([name, { calls, seconds, flops, bytes }]) => [
        name,
        String(calls),
        fixed(seconds * 1e3),
        percent(seconds, total),
        fixed(flops / seconds / 1e9),
        fixed(bytes / seconds / 1e9),
      ]),
      ["sum", "", fixed(total * 1e3), "", "", ""],
    ],
  };
}
