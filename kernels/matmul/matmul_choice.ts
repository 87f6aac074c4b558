/**
 * Selects the tiling of a product from a table per device class. The choice depends on sizes and
 * target alone, so all workers make the same one. Only tilings with slices change the summation
 * order. Rows for CPU drivers were measured (bench/results); those for GPUs are chosen from
 * published tile sizes and are not measured yet. `deno task bench matmul` times them all.
 */
import { ceilDiv } from "../../src/base/shape.ts";
import { CPU_LANES, sharesLanes } from "../../src/graph/target.ts";
import type { Target } from "../../src/graph/types.ts";
import { threadsOf, workgroupBytes } from "./matmul_slices_wgsl.ts";
import type { Tiling } from "./matmul_wgsl.ts";

/** Sizes and transposes of C[M, N] = op(A) op(B), with sums of length K. */
export interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** A is stored [K, M]. */
  readonly ta: boolean;
  /** B is stored [N, K]. */
  readonly tb: boolean;
}

/** A row of the table with its tiling for a product. */
export interface Variant {
  readonly name: string;
  readonly tiling: Tiling;
}

interface Row {
  readonly name: string;
  readonly tiling: (product: Product) => Tiling;
  /** Whether the kernel supports a product; default: it supports all. */
  readonly can?: (product: Product) => boolean;
  /** Whether it is selected for a product, if no earlier row is. */
  readonly when: (product: Product) => boolean;
}

type Pair = readonly [number, number];

/** Number of tiles that cover C. */
const count = ({ m, n }: Product, [tm, tn]: Pair): number => ceilDiv(m, tm) * ceilDiv(n, tn);

/** Register blocking without workgroup memory; selected when there are at least `enough` tiles. */
function registers(
  tile: Pair,
  { enough, columns, size, can }: {
    enough: number;
    /** Most invocations along N, and invocations per workgroup. */
    columns: number;
    size: number;
    can?: Row["can"];
  },
): Row {
  return {
    name: `registers ${tile.join("x")}`,
    tiling: ({ n }) => {
      const gx = Math.min(columns, 2 ** Math.ceil(Math.log2(ceilDiv(n, tile[1]))));
      return { tile, group: [gx, size / gx] };
    },
    when: (product) => count(product, tile) >= enough,
    ...can && { can },
  };
}

const plain = ({ ta }: Product): boolean => !ta;
const transposed = ({ ta }: Product): boolean => ta;

/** Tiles above 16 x 8 gain little and double the compile time. */
const CPU = { enough: 64, columns: 8, size: 32 } as const;
const CPU_ROWS: readonly Row[] = [
  registers([16, 8], { ...CPU, can: plain }),
  // A transposed a is contiguous along M: a wide tile needs fewer loads of it.
  registers([8, 16], { ...CPU, can: transposed }),
  registers([8, 8], CPU),
  registers([4, 8], CPU),
  registers([4, 4], { ...CPU, enough: 0 }),
];

/**
 * For subgroups of 8 on CPU drivers, where loads are expensive: each lane loads an eighth of the
 * rows and broadcasts them, so the tile can have twice as many rows. Selected when there are at
 * least 8 subgroups and at most 30 % of their elements lie beyond the edge.
 */
function byLanes(tile: Pair, can?: Row["can"]): Row {
  return {
    name: `${CPU_LANES} lanes ${tile.join("x")}`,
    tiling: () => ({ tile, group: [CPU_LANES, 1], lanes: CPU_LANES }),
    when: (product) => {
      const [tm, tn] = [tile[0], CPU_LANES * tile[1]];
      const tiles = count(product, [tm, tn]);
      return tiles >= 8 && product.m * product.n >= 0.7 * tiles * tm * tn;
    },
    ...can && { can },
  };
}

const LANE_ROWS: readonly Row[] = [
  byLanes([32, 8]),
  byLanes([32, 4]),
  // A transposed a needs whole quads of rows.
  byLanes([16, 4], plain),
  byLanes([8, 4], plain),
];

/** Blocks in workgroup memory; `when` gets the rows and columns of C in one block. */
function blocks(
  name: string,
  tiling: Tiling & { readonly steps: number },
  when: (product: Product, block: Pair) => boolean,
): Row {
  const { tile: [tm, tn], group: [gx, gy] } = tiling;
  return {
    name: `block ${name}`,
    tiling: () => tiling,
    when: (product) => when(product, [tm * gy, tn * gx]),
  };
}

/** Streaming multiprocessors of the largest cards (H100, H200). */
const CORES = 132;

/** At least `each` blocks per core, none more than half beyond the edge, and K at least `k`. */
function fillsGpu(each: number, k = 1): (product: Product, block: Pair) => boolean {
  return (product, [bm, bn]) =>
    product.k >= k && 2 * product.m > bm && 2 * product.n > bn &&
    count(product, [bm, bn]) >= each * CORES;
}

const never = (): boolean => false;

/** Most rows of A that fit one invocation's tile: the few tokens of a decoding step. */
const NARROW = 8;

/**
 * Products with few rows are bound by the bandwidth of reading B once, which takes many
 * invocations: few columns per workgroup, and K in many slices.
 */
const narrow: Row = {
  name: "narrow, 32 slices",
  tiling: ({ m, tb }) => ({ tile: [m, 4], group: [tb ? 4 : 8, 1], slices: 32 }),
  can: ({ m, ta }) => !ta && m <= NARROW,
  when: ({ k }) => k >= 128,
};

const GPU = { columns: 16, size: 128 } as const;

/** Never selected: alternatives that `deno task bench matmul` times against the selected row. */
const CANDIDATES: readonly Row[] = [
  blocks("128x128 ahead", { tile: [8, 8], group: [16, 16], steps: 8, prefetch: true }, never),
  blocks("128x128 by 16", { tile: [8, 8], group: [16, 16], steps: 16 }, never),
  blocks("64x128, tiles of 8x8", { tile: [8, 8], group: [16, 8], steps: 8 }, never),
  blocks("64x64, tiles of 8x4", { tile: [8, 4], group: [16, 8], steps: 16 }, never),
  blocks("64x64 ahead", { tile: [4, 4], group: [16, 16], steps: 16, prefetch: true }, never),
  registers([8, 8], { ...GPU, enough: Infinity }),
];

/**
 * The largest block with at least two workgroups per core, so that one multiplies while the other
 * loads; then smaller blocks with sliced K, because weight gradients have few elements and long
 * sums. Tile sizes are those of torchlette's tuner on V100 and A100, and of cuBLASDx on H100.
 */
const GPU_ROWS: readonly Row[] = [
  narrow,
  blocks("128x128", { tile: [8, 8], group: [16, 16], steps: 8 }, fillsGpu(2)),
  blocks("64x128", { tile: [4, 8], group: [16, 16], steps: 16 }, fillsGpu(2)),
  blocks("128x64", { tile: [8, 4], group: [16, 16], steps: 16 }, fillsGpu(2)),
  blocks("64x64", { tile: [4, 4], group: [16, 16], steps: 16 }, fillsGpu(2)),
  blocks(
    "64x64, 4 slices",
    { tile: [8, 8], group: [8, 8], slices: 4, steps: 4 },
    fillsGpu(1.5, 256),
  ),
  blocks("32x32, 4 slices", { tile: [4, 4], group: [8, 8], slices: 4, steps: 8 }, fillsGpu(1, 128)),
  blocks(
    "16x16, 16 slices",
    { tile: [4, 4], group: [4, 4], slices: 16, steps: 4 },
    ({ k }) => k >= 256,
  ),
  registers([4, 8], { ...GPU, enough: 1 << 15 }),
  ...CANDIDATES,
  registers([4, 4], { ...GPU, enough: 0 }),
];

/** Rows by device class, in order of preference. */
const TABLE: Readonly<Record<string, readonly Row[]>> = {
  "cpu": CPU_ROWS,
  "cpu with 8 lanes": [...LANE_ROWS, ...CPU_ROWS],
  "gpu": GPU_ROWS,
};

function rowsOf(target: Target): readonly Row[] {
  const name = sharesLanes(target) ? `cpu with ${CPU_LANES} lanes` : target.kind;
  return TABLE[name] as readonly Row[];
}

/** The table's rows that support a product on a target, in order of preference. */
export function variantsOf(product: Product, target: Target): readonly Variant[] {
  return supportedRows(product, target).map(({ name, tiling }) => ({
    name,
    tiling: tiling(product),
  }));
}

function supportedRows(product: Product, target: Target): readonly Row[] {
  return rowsOf(target).filter(({ can, tiling }) => {
    if (can !== undefined && !can(product)) return false;
    const chosen = tiling(product);
    return threadsOf(chosen) <= target.invocations &&
      workgroupBytes(chosen) <= target.workgroupBytes;
  });
}

/** The selected kernel of a product. */
export function chooseMatmul(product: Product, target: Target): Variant {
  const rows = supportedRows(product, target);
  const { name, tiling } = (rows.find(({ when }) => when(product)) ?? rows.at(-1)) as Row;
  return { name, tiling: tiling(product) };
}

/** Name of the selected row. */
export function variantName(product: Product, target: Target): string {
  return chooseMatmul(product, target).name;
}
