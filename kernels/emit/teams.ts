/**
 * Row kernels with a thread team per strip of rows: each lane keeps its items of a row in
 * registers, so that a row is read once, and reuses what is common to the rows of the strip. A team
 * is a subgroup on CPU drivers, a workgroup on GPUs.
 */
import { ceilDiv } from "../../src/base/shape.ts";
import { CPU_LANES, sharesLanes } from "../../src/graph/target.ts";
import type { Launch, Target } from "../../src/graph/types.ts";
import { range } from "./range.ts";
import { itemWgsl, itemWidth, lanesOf, printLaneReductions } from "./rows.ts";

/** Most items per lane: kernels are unrolled over them. */
const MOST_ITEMS = 32;

/** The printed parts of a kernel that depend on the team. */
export interface ThreadTeam {
  /** Constants, lane reductions, and a `main` that calls `strip_main`. */
  readonly prelude: string;
  /** `across_max`, where the prelude lacks it. */
  readonly max: string;
  readonly groups: Launch["groups"];
  /** 0, 1, ... up to the number of items per lane. */
  readonly items: readonly number[];
  /** WGSL of the index in the row of the lane's item `k`, clamped to the last one. */
  readonly at: (k: number) => string;
  /** WGSL of `value` if the lane has an item `k`, else zero. */
  readonly own: (k: number, value: string) => string;
  /** WGSL test whether the lane has an item `k`; undefined if all lanes have one. */
  readonly has: (k: number) => string | undefined;
}

/**
 * The team for strips of `strip` rows out of `rows`, each of `columns` elements; undefined where
 * one invocation per row is faster, or rows are too long. The kernel body defines
 * `strip_main(strip: u32, row: u32, last: u32, lane: u32)`, which processes rows `row` to `last -
 * 1`.
 */
export function threadTeam(
  { rows, columns, strip }: { rows: number; columns: number; strip: number },
  target: Target,
): ThreadTeam | undefined {
  const bySubgroup = target.kind === "cpu";
  if (bySubgroup && !sharesLanes(target)) return undefined;
  const width = itemWidth(columns);
  const items = columns / width;
  const lanes = bySubgroup ? CPU_LANES : lanesOf(items, target);
  const each = ceilDiv(items, lanes);
  if (each > MOST_ITEMS) return undefined;
  const strips = ceilDiv(rows, strip);
  const x = Math.min(strips, target.groups);
  const lane = bySubgroup
    ? "@builtin(subgroup_invocation_id) lane: u32"
    : "@builtin(local_invocation_index) lane: u32";
  const prelude = `const COLS = ${columns}u;
const ITEMS = ${items}u;
${itemWgsl(width)}${bySubgroup ? shuffled(lanes) : printLaneReductions(lanes)}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) wid: vec3<u32>, ${lane}) {
  let strip = wid.x + wid.y * ${x}u;
  if (strip < ${strips}u) { strip_main(strip, strip * ${strip}u, min((strip + 1u) * ${strip}u, ${rows}u), lane); }
}
`;
  const ragged = (k: number) => (k + 1) * lanes > items;
  const index = (k: number) => k === 0 ? "lane" : `lane + ${k * lanes}u`;
  return {
    prelude,
    max: bySubgroup ? shuffledMax(lanes) : "",
    groups: [x, ceilDiv(strips, x), 1],
    items: range(each),
    at: (k) => ragged(k) ? `min(${index(k)}, ITEMS - 1u)` : index(k),
    own: (k, value) => ragged(k) ? `select(Item(), ${value}, ${index(k)} < ITEMS)` : value,
    has: (k) => ragged(k) ? `${index(k)} < ITEMS` : undefined,
  };
}

/** A butterfly sum over a subgroup: at each level both lanes of a pair add the same two numbers. */
function shuffled(lanes: number): string {
  const levels = range(Math.log2(lanes)).map((level) => lanes >> (level + 1));
  const adds = levels.map((span) => `s += subgroupShuffle(s, lane ^ ${span}u);`);
  return `fn across_sum(v: f32, lane: u32) -> f32 {
  var s = v;
  ${adds.join(" ")}
  return s;
}
`;
}

/** A butterfly maximum over a subgroup. */
function shuffledMax(lanes: number): string {
  const levels = range(Math.log2(lanes)).map((level) => lanes >> (level + 1));
  const steps = levels.map((span) => `s = max(s, subgroupShuffle(s, lane ^ ${span}u));`);
  return `fn across_max(v: f32, lane: u32) -> f32 {
  var s = v;
  ${steps.join(" ")}
  return s;
}
`;
}

/** Statements that store `value(k)` in each of the lane's items of a row of `buffer`. */
export function storeItems(
  { items, at, has }: ThreadTeam,
  { buffer, row, value }: { buffer: string; row: string; value: (k: number) => string },
): string[] {
  return items.map((k) => {
    const test = has(k);
    return `${test === undefined ? "" : `if (${test}) `}{ ${buffer}[${row} + ${at(k)}] = ${
      value(k)
    }; }`;
  });
}
