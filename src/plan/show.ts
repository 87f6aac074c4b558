/** Prints a plan: one line per call, with regions and cost. */
import { showShape } from "../base/shape.ts";
import type { Plan, Region } from "./types.ts";

/** The listing of a plan: regions, MFLOP and MB of each call, then the size of the local pool. */
export function showPlan(plan: Plan): string {
  const place = (r: Region): string => {
    const slot = plan.slots[r.slot]?.name ?? "?";
    return `${slot}${r.offset > 0 ? `+${r.offset}` : ""}${showShape(r.shape)}`;
  };
  const lines = plan.calls.map((call, i) => {
    const { flops, bytes } = call.op.cost(call, call.attrs);
    const cost = `${(flops / 1e6).toFixed(2)} MFLOP, ${(bytes / 1e6).toFixed(2)} MB`;
    const [inputs, outputs] = [call.inputs.map(place), call.outputs.map(place)];
    return `${i} ${call.op.name} ${inputs.join(" ")} -> ${outputs.join(" ")}  ${cost}`;
  });
  const { bytes, tensorBytes } = plan.pooled;
  const share = tensorBytes === 0 ? 0 : 100 * bytes / tensorBytes;
  return [
    ...lines,
    `pool ${bytes} bytes for tensors of ${tensorBytes} bytes (${share.toFixed(0)} %)`,
  ].join("\n");
}
