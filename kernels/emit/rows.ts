/**
 * Distributes rows over invocations: one invocation per row on CPU drivers, where barriers are
 * expensive; one workgroup per row on GPUs, and for long rows. Kernel bodies are written once, over
 * `Item`s of a row, and reduce over the lanes with `across_sum` and `across_max`.
 */
import { ceilDiv } from "../../src/base/shape.ts";
import type { Launch, Target } from "../../src/graph/types.ts";

/** Rows per workgroup with one invocation per row: few, so that all cores get work. */
const CPU_ROWS = 8;
/**
 * Items per row from which CPU drivers use a workgroup per row as well: llvmpipe silently exits the
 * loops of an invocation after 65,535 iterations in total (Mesa, lp_bld_limits.h).
 */
const CPU_ITEMS = 16384;
/** Most lanes per row. */
const MAX_LANES = { cpu: 64, gpu: 256 } as const;

/** The printed start of a row kernel, and its dispatch size. */
export interface RowKernel {
  /** `ROWS`, `COLS`, `ITEMS`, `LANES`, the text of `itemWgsl`, the lane reductions, and `main`. */
  readonly prelude: string;
  readonly groups: Launch["groups"];
}

/** Elements per `Item` of a row of `columns` elements. */
export function itemWidth(columns: number): 1 | 4 {
  return columns % 4 === 0 ? 4 : 1;
}

/** WGSL of the type `Item`, its `WIDTH`, and functions over its elements. */
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

/** Lane reductions with one invocation per row: identities. */
const SINGLE_LANE = `const LANES = 1u;
fn across_sum(v: f32, lane: u32) -> f32 { return v; }
fn across_max(v: f32, lane: u32) -> f32 { return v; }
`;

/** A tree reduction over the lanes in a fixed order; every lane gets the result. */
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

/** Workgroup size for a row of `items` items. */
export function lanesOf(items: number, { kind, invocations }: Target): number {
  return Math.min(MAX_LANES[kind], invocations, 2 ** Math.ceil(Math.log2(items)));
}

/** WGSL of the reductions over the lanes of a workgroup. */
export function printLaneReductions(lanes: number): string {
  return `const LANES = ${lanes}u;
var<workgroup> shared_lanes: array<f32, ${lanes}>;
${tree("sum", "a + b")}${tree("max", "max(a, b)")}`;
}

/**
 * The start of a kernel over `rows` rows of `columns` elements. Its `main` calls
 * `row_main(row: u32, lane: u32, items: u32)` of the kernel body, whose loops end at `items`.
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
  const index = alone
    ? `let row = (wid.x + wid.y * ${x}u) * ${CPU_ROWS}u + lid; let lane = 0u;`
    : `let row = wid.x + wid.y * ${x}u; let lane = lid;`;
  // count.z is 1, which the compiler cannot know: it does not unroll the loops, which compiles five
  // times as fast on lavapipe and runs no slower.
  const end = alone ? "ITEMS * count.z" : "ITEMS";
  const prelude = `const ROWS = ${rows}u;
const COLS = ${columns}u;
const ITEMS = ${items}u;
${itemWgsl(width)}${alone ? SINGLE_LANE : printLaneReductions(lanes)}
@compute @workgroup_size(${alone ? CPU_ROWS : lanes})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) count: vec3<u32>,
  @builtin(local_invocation_index) lid: u32) {
  ${index}
  if (row < ROWS) { row_main(row, lane, ${end}); }
}
`;
  return { prelude, groups };
}
