/**
 * Begins kernels whose lanes share rows as a team: a lane keeps its items of a row in registers, so
 * that the row is read once, and goes on to the next rows of its strip with what is the same for
 * all of them. Lanes are those of a subgroup on CPU drivers, of a workgroup elsewhere. Knows no op.
 */
import { ceilDiv } from "../../src/base/shape.ts";
import { CPU_LANES, sharesLanes } from "../../src/graph/target.ts";
import type { Launch, Target } from "../../src/graph/types.ts";
import { range } from "./range.ts";
import { itemWgsl, itemWidth, lanesOf, printLaneReductions } from "./rows.ts";

/** Items of a lane at most: kernels are printed for their number. */
const MOST_ITEMS = 32;

/** A kernel's team. */
export interface ThreadTeam {
  /** Constants, functions that join lanes, and a `main` that calls `strip_main`. */
  readonly prelude: string;
  readonly groups: Launch["groups"];
  /** Numbers of a lane's items. */
  readonly items: readonly number[];
  /** Place of item `k` of the lane in its row; the last one again where it has none. */
  readonly at: (k: number) => string;
  /** `value` where the lane has an item `k`, else zero. */
  readonly own: (k: number, value: string) => string;
  /** Whether the lane has an item `k`, in WGSL; undefined where all have. */
  readonly has: (k: number) => string | undefined;
}

/**
 * The team for strips of `strip` rows out of `rows`, each of `columns` elements; undefined where
 * an invocation had better take a row alone. The kernel's own
 * `strip_main(strip: u32, row: u32, last: u32, lane: u32)` does the rows from `row` to below `last`.
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
  const place = (k: number) => k === 0 ? "lane" : `lane + ${k * lanes}u`;
  return {
    prelude,
    groups: [x, ceilDiv(strips, x), 1],
    items: range(each),
    at: (k) => ragged(k) ? `min(${place(k)}, ITEMS - 1u)` : place(k),
    own: (k, value) => ragged(k) ? `select(Item(), ${value}, ${place(k)} < ITEMS)` : value,
    has: (k) => ragged(k) ? `${place(k)} < ITEMS` : undefined,
  };
}

/** A tree over a subgroup's lanes: at each level both of a pair add the same two numbers. */
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
