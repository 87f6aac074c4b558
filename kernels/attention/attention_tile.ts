/**
 * How attention's kernels are cut: tokens per invocation and workgroups. More tokens make each
 * load serve more products, and the kernel slower to compile. Measured on software Vulkan.
 */
import { ceilDiv } from "../../src/base/shape.ts";
import { CPU_LANES, sharesLanes } from "../../src/graph/target.ts";
import type { Target } from "../../src/graph/types.ts";
import { divisorOf } from "./attention_sizes.ts";
import type { AttentionAttrs, AttentionKernel, AttentionSizes } from "./attention_sizes.ts";

/** Tokens of one invocation at most. */
const MOST_ROWS = 8;

/** Registers for own tokens, in quads: beyond, drivers compile for seconds or spill. */
const QUADS = { cpu: 128, gpu: 32 } as const;

/** Invocations that keep a target busy. */
const ENOUGH = { cpu: 64, gpu: 1 << 14 } as const;

/**
 * Of subgroups of 8 on CPU drivers, whose loads are dear: a met token costs an eighth, and four
 * tokens of a lane serve it best.
 */
const LANE_ROWS = 4;
const LANE_QUADS = 256;

function laneRows({ time, width }: AttentionSizes, sets: number): number {
  const fits = (rows: number) =>
    rows * sets * ceilDiv(width, 4) <= LANE_QUADS && CPU_LANES * rows <= time;
  let rows = LANE_ROWS;
  while (rows > 1 && !fits(rows)) rows /= 2;
  return rows;
}

/** The cut of a kernel that keeps `sets` rows of a head in registers for each of its tokens. */
export function attentionKernel(
  sizes: AttentionSizes,
  attrs: AttentionAttrs,
  { target, sets }: { target: Target; sets: number },
): AttentionKernel {
  const { batch, heads, time, width } = sizes;
  const { dropout, documents } = attrs;
  const common = {
    ...sizes,
    divisor: divisorOf(width, attrs),
    ...(dropout === undefined ? {} : { dropout }),
    ...(documents === undefined ? {} : { documents }),
  };
  if (sharesLanes(target)) {
    const rows = laneRows(sizes, sets);
    const wanted = batch * heads * ceilDiv(time, CPU_LANES * rows);
    const x = Math.min(wanted, target.groups);
    const groups = [x, ceilDiv(wanted, x), 1] as const;
    return { ...common, rows, group: CPU_LANES, lanes: CPU_LANES, groups, headsFirst: false };
  }
  const invocations = (rows: number) => batch * heads * ceilDiv(time, rows);
  const fits = (rows: number) => rows * sets * ceilDiv(width, 4) <= QUADS[target.kind];
  let rows = MOST_ROWS;
  while (rows > 1 && (!fits(rows) || invocations(rows) < ENOUGH[target.kind])) rows /= 2;
  const group = target.kind === "cpu" ? 16 : 64;
  const wanted = ceilDiv(invocations(rows), group);
  const x = Math.min(wanted, target.groups);
  return {
    ...common,
    rows,
    group,
    groups: [x, ceilDiv(wanted, x), 1],
    // Lanes of one vector must loop equally long; on a GPU they had better read the same address.
    headsFirst: target.kind === "cpu",
  };
}
