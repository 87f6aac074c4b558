/**
 * The tiling of attention's kernels: tokens per invocation, and workgroups. More tokens per
 * invocation reuse each load more often, and compile slower. Measured on software Vulkan.
 */
import { ceilDiv } from "../../src/base/shape.ts";
import { CPU_LANES, sharesLanes } from "../../src/graph/target.ts";
import type { Target } from "../../src/graph/types.ts";
import { divisorOf } from "./attention_attrs.ts";
import type { AttentionAttrs } from "./attention_attrs.ts";
import type { AttentionSizes } from "./attention_sizes.ts";
import { joinedSpec, wordInputs } from "./attention_words.ts";

/** Sizes and tiling of a printed kernel. */
export interface AttentionKernel extends AttentionSizes {
  readonly attrs: AttentionAttrs;
  /** Divisor of the scores. */
  readonly divisor: number;
  /** What an invocation keeps in registers, while it streams the others. */
  readonly side: "queries" | "keys";
  /** Tokens of that side, and of the other one. */
  readonly owned: number;
  readonly streamed: number;
  /** Heads of that side. */
  readonly sideHeads: number;
  /** Whether the optional inputs are joined in one buffer. */
  readonly joined: boolean;
  /** Whether a launch of its own writes lse and delta in pairs: three gradients leave no bindings. */
  readonly paired: boolean;
  /** Tokens that one invocation owns, at most 32. */
  readonly rows: number;
  /** Invocations per workgroup, and the dispatch size. */
  readonly group: number;
  readonly groups: readonly [number, number, number];
  /**
   * Lanes of a subgroup that own adjacent tokens of one head: each loads one of as many streamed
   * tokens and broadcasts it to the others. The workgroup is then one subgroup.
   */
  readonly lanes?: number;
  /**
   * Adjacent invocations take the same tokens of different heads, not adjacent tokens of a head.
   */
  readonly headsFirst: boolean;
}

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

function laneRows(owned: number, quads: number): number {
  const fits = (rows: number) => rows * quads <= LANE_QUADS && CPU_LANES * rows <= owned;
  let rows = LANE_ROWS;
  while (rows > 1 && !fits(rows)) rows /= 2;
  return rows;
}

/** Whether lse and delta are written in pairs. */
export function isPaired(sizes: AttentionSizes, attrs: AttentionAttrs): boolean {
  return sizes.bases.length === 3 && wordInputs(sizes, attrs).length > 0;
}

/**
 * The tiling of a kernel that owns one side, and keeps `sets` rows of registers of each width (that
 * of queries, that of values) per owned token.
 */
export function attentionKernel(
  sizes: AttentionSizes,
  attrs: AttentionAttrs,
  { target, side, sets }: { target: Target; side: "queries" | "keys"; sets: number },
): AttentionKernel {
  const { batch, heads, kvHeads, queries, keys, width, valueWidth } = sizes;
  const [owned, streamed] = side === "queries" ? [queries, keys] : [keys, queries];
  const sideHeads = side === "queries" ? heads : kvHeads;
  const quads = sets * (ceilDiv(width, 4) + ceilDiv(valueWidth, 4));
  const common = {
    ...sizes,
    attrs,
    divisor: divisorOf(width, attrs),
    ...{ side, owned, streamed, sideHeads },
    joined: joinedSpec(sizes, attrs) !== undefined,
    paired: isPaired(sizes, attrs),
  };
  if (sharesLanes(target)) {
    const rows = laneRows(owned, quads);
    const wanted = batch * sideHeads * ceilDiv(owned, CPU_LANES * rows);
    const x = Math.min(wanted, target.groups);
    const groups = [x, ceilDiv(wanted, x), 1] as const;
    return { ...common, rows, group: CPU_LANES, lanes: CPU_LANES, groups, headsFirst: false };
  }
  const invocations = (rows: number) => batch * sideHeads * ceilDiv(owned, rows);
  const fits = (rows: number) => rows * quads <= QUADS[target.kind];
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
