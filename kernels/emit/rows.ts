/**
 * How kernels share out rows: one invocation a row on CPU drivers, whose barriers are dear, and
 * a workgroup of lanes a row elsewhere, or where rows are long. Kernel bodies are written once, over
 * `Item`s of a row, and join the lanes with `across_sum` and `across_max`. Knows no op.
 */
import { ceilDiv } from "../../src/base/shape.ts";
import type { Launch, Target } from "../../src/graph/types.ts";

/** Rows in a workgroup where an invocation takes a row: few, so that all cores get some. */
const CPU_ROWS = 8;
/**
 * Items from which on lanes share a row there as well: llvmpipe leaves all loops of an invocation
 * once they have had 65,535 rounds together (Mesa, lp_bld_limits.h), and says nothing.
 */
const CPU_ITEMS = 16384;
/** Most lanes that share a row. */
const MAX_LANES = { cpu: 64, gpu: 256 } as const;

/** What a row kernel begins with, and the workgroups that cover its rows. */
export interface RowKernel {
  /** `ROWS`, `COLS`, `ITEMS`, `LANES`, what `itemWgsl` prints, and the functions that join lanes. */
  readonly prelude: string;
  readonly groups: Launch["groups"];
}

/** Elements in an `Item` of a row of `columns`. */
export function itemWidth(columns: number): 1 | 4 {
  return columns % 4 === 0 ? 4 : 1;
}

/** WGSL of `Item`, its `WIDTH`, and functions of an item's elements. */
export function itemWgsl(width: 1 | 4): string {
  return width === 4
    ? `alias Item = vec4<f32>;
const WIDTH = 4u;
alias Columns = vec4<u32>;
fn element(v: Item, i: u32) -> f32 { return v[i]; }
fn columns_of(item: u32) -> Columns { return 4u * item + vec4<u32>(0u, 1u, 2u, 3u); }
fn fold_sum(v: Item) -> f32 { return (v.x + v.y) + (v.z + v.w); }
fn fold_max(v: Item) -> f32 { return max(max(v.x, v.y), max(v.z, v.w)); }
`
    : `alias Item = f32;
const WIDTH = 1u;
alias Columns = u32;
fn element(v: Item, i: u32) -> f32 { return v; }
fn columns_of(item: u32) -> Columns { return item; }
fn fold_sum(v: Item) -> f32 { return v; }
fn fold_max(v: Item) -> f32 { return v; }
`;
}

/** A row in each invocation: nothing to join. */
const ALONE = `const LANES = 1u;
fn across_sum(v: f32, lane: u32) -> f32 { return v; }
fn across_max(v: f32, lane: u32) -> f32 { return v; }
`;

/** A tree over the lanes in a fixed order; every lane gets the result. */
function tree(name: string, join: string): string {
  return `fn across_${name}(v: f32, lane: u32) -> f32 {
  workgroupBarrier();
  shared_lanes[lane] = v;
  for (var span = LANES / 2u; span > 0u; span /= 2u) {
    workgroupBarrier();
    if (lane < span) {
      let a = shared_lanes[lane];
      let b = shared_lanes[lane + span];
      shared_lanes[lane] = ${join};
    }
  }
  workgroupBarrier();
  return shared_lanes[0];
}
`;
}

/** Lanes of a workgroup that share `items` items. */
export function lanesOf(items: number, { kind, invocations }: Target): number {
  return Math.min(MAX_LANES[kind], invocations, 2 ** Math.ceil(Math.log2(items)));
}

/** Functions that join the lanes of a workgroup. */
export function printLaneReductions(lanes: number): string {
  return `const LANES = ${lanes}u;
var<workgroup> shared_lanes: array<f32, ${lanes}>;
${tree("sum", "a + b")}${tree("max", "max(a, b)")}`;
}

/**
 * Begins a kernel over `rows` rows of `columns` elements. Its `main` is printed here and calls
 * the kernel's own `row_main(row: u32, lane: u32, items: u32)`, whose loops end at `items`.
 */
export function rowKernel(rows: number, columns: number, target: Target): RowKernel {
  const width = itemWidth(columns);
  const items = columns / width;
  const alone = target.kind === "cpu" && items < CPU_ITEMS;
  const lanes = lanesOf(items, target);
  const perGroup = alone ? CPU_ROWS : 1;
  const count = ceilDiv(rows, perGroup);
  const x = Math.min(count, target.groups);
  const groups = [x, ceilDiv(count, x), 1] as const;
  const place = alone
    ? `let row = (wid.x + wid.y * ${x}u) * ${CPU_ROWS}u + lid; let lane = 0u;`
    : `let row = wid.x + wid.y * ${x}u; let lane = lid;`;
  // The number of groups along z is 1. A compiler that cannot know it leaves loops rolled up, which
  // compiles five times as fast on lavapipe and runs no slower.
  const end = alone ? "ITEMS * count.z" : "ITEMS";
  const prelude = `const ROWS = ${rows}u;
const COLS = ${columns}u;
const ITEMS = ${items}u;
${itemWgsl(width)}${alone ? ALONE : printLaneReductions(lanes)}
@compute @workgroup_size(${alone ? CPU_ROWS : lanes})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) count: vec3<u32>,
  @builtin(local_invocation_index) lid: u32) {
  ${place}
  if (row < ROWS) { row_main(row, lane, ${end}); }
}
`;
  return { prelude, groups };
}
