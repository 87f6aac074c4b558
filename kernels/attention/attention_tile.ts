/**
 * The tiling of attention's kernels: tokens per invocation, and workgroups. More tokens per
 * invocation reuse each load more often, and compile slower. Measured on software Vulkan.
 */
import { ceilDiv } from "../../src/base/shape.ts";
import { CPU_LANES, sharesLanes } from "../../src/graph/target.ts";
import type { Target } from "../../src/graph/types.ts";
import { divisorOf } from "./attention_sizes.ts";
import type { AttentionAttrs, AttentionKernel, AttentionSizes } from "./attention_sizes.ts";

/** Most tokens per invocation. */
const MOST_ROWS = 8;

/** Most quads of registers for owned tokens: with more, drivers spill or compile for seconds. */
const QUADS = { cpu: 128, gpu: 32 } as const;

/** Invocations that saturate a target. */
const ENOUGH = { cpu: 64, gpu: 1 << 14 } as const;

/**
 * For subgroups of 8 on CPU drivers, where loads are expensive: each streamed token is loaded once
 * per subgroup. Four tokens per lane are fastest.
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

/** The tiling of a kernel that keeps `sets` rows of registers per owned token. */
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
    // CPU: every SIMD lane needs the same trip count. GPU: prefer loads that broadcast.
    headsFirst: target.kind === "cpu",
  };
}
