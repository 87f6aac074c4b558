/**
 * Which kernel a product gets: one table by class of device. Sizes and target decide, nothing else,
 * so that every worker agrees. Only rows with slices add in an order of their own.
 * Rows for CPU drivers were measured (bench/results); those for GPUs are chosen from published tile
 * sizes and are not measured yet. `deno task bench matmul` times them all.
 */
import { ceilDiv } from "../../src/base/shape.ts";
import { CPU_LANES, sharesLanes } from "../../src/graph/target.ts";
import type { Target } from "../../src/graph/types.ts";
import { threadsOf, workgroupBytes } from "./matmul_slices_wgsl.ts";
import type { Tiling } from "./matmul_wgsl.ts";

/** C[M, N] = op(A) op(B) with K products for each element. */
export interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** A is stored [K, M]. */
  readonly ta: boolean;
  /** B is stored [N, K]. */
  readonly tb: boolean;
}

/** A row of the table, as it suits a product. */
export interface Variant {
  readonly name: string;
  readonly tiling: Tiling;
}

interface Row {
  readonly name: string;
  readonly tiling: (product: Product) => Tiling;
  /** Products that the kernel can do; all unless told. */
  readonly can?: (product: Product) => boolean;
  /** Those that it is chosen for, where no row before it was. */
  readonly when: (product: Product) => boolean;
}

type Pair = readonly [number, number];

/** Tiles of `tile` that cover C. */
const count = ({ m, n }: Product, [tm, tn]: Pair): number => ceilDiv(m, tm) * ceilDiv(n, tn);

/** A tile in the registers of each invocation; chosen where it gives `enough` of them work. */
function registers(
  tile: Pair,
  { enough, columns, size, can }: {
    enough: number;
    /** Invocations along N at most, and in a workgroup. */
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

/** Beyond 16 x 8 the gain is small and the compile time doubles. */
const CPU = { enough: 64, columns: 8, size: 32 } as const;
const CPU_ROWS: readonly Row[] = [
  registers([16, 8], { ...CPU, can: plain }),
  // A transposed a is read along M: a wide tile asks less of it.
  registers([8, 16], { ...CPU, can: transposed }),
  registers([8, 8], CPU),
  registers([4, 8], CPU),
  registers([4, 4], { ...CPU, enough: 0 }),
];

/**
 * Of subgroups of 8 on CPU drivers, whose loads are dear: a lane loads an eighth of the rows, so
 * twice as many can be multiplied with a column that was loaded. Chosen where enough subgroups are
 * at work, and few of their elements idle.
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

/** Blocks of C in workgroup memory; `when` is told rows and columns of one. */
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

/** Cores of the largest cards. */
const CORES = 132;

/** Enough blocks for all cores, `each` at least, none of them more than half idle, and K long. */
function fillsGpu(each: number, k = 1): (product: Product, block: Pair) => boolean {
  return (product, [bm, bn]) =>
    product.k >= k && 2 * product.m > bm && 2 * product.n > bn &&
    count(product, [bm, bn]) >= each * CORES;
}

const never = (): boolean => false;

/** Rows of A that one invocation takes in full: a decoder's few tokens. */
const NARROW = 8;

/**
 * Products of one or a few rows read B once and nothing twice: what counts is that many invocations
 * do it. The columns of a workgroup are few, and K is cut into many slices.
 */
const narrow: Row = {
  name: "narrow, 32 slices",
  tiling: ({ m, tb }) => ({ tile: [m, 4], group: [tb ? 4 : 8, 1], slices: 32 }),
  can: ({ m, ta }) => !ta && m <= NARROW,
  when: ({ k }) => k >= 128,
};

const GPU = { columns: 16, size: 128 } as const;

/** Chosen for nothing: what a bench on a GPU may find to be better than the rows above it. */
const CANDIDATES: readonly Row[] = [
  blocks("128x128 ahead", { tile: [8, 8], group: [16, 16], steps: 8, prefetch: true }, never),
  blocks("128x128 by 16", { tile: [8, 8], group: [16, 16], steps: 16 }, never),
  blocks("64x128, tiles of 8x8", { tile: [8, 8], group: [16, 8], steps: 8 }, never),
  blocks("64x64, tiles of 8x4", { tile: [8, 4], group: [16, 8], steps: 16 }, never),
  blocks("64x64 ahead", { tile: [4, 4], group: [16, 16], steps: 16, prefetch: true }, never),
  registers([8, 8], { ...GPU, enough: Infinity }),
];

/**
 * The largest block of which enough are at work, two on a core, so that one multiplies while the
 * other loads; then smaller ones whose invocations share K, since weight gradients have few elements
 * and long sums. Tiles as torchlette's tuner found them on V100 and A100, and cuBLASDx on H100.
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

/** Rows by class of device, in the order in which they are asked. */
const TABLE: Readonly<Record<string, readonly Row[]>> = {
  "cpu": CPU_ROWS,
  "cpu with 8 lanes": [...LANE_ROWS, ...CPU_ROWS],
  "gpu": GPU_ROWS,
};

function rowsOf(target: Target): readonly Row[] {
  const name = sharesLanes(target) ? `cpu with ${CPU_LANES} lanes` : target.kind;
  return TABLE[name] as readonly Row[];
}

/** The table's rows that can do a product on a target, in order. */
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

/** The kernel of a product. */
export function chooseMatmul(product: Product, target: Target): Variant {
  const rows = supportedRows(product, target);
  const { name, tiling } = (rows.find(({ when }) => when(product)) ?? rows.at(-1)) as Row;
  return { name, tiling: tiling(product) };
}

/** Name of the table's row that a product gets on a target. */
export function variantName(product: Product, target: Target): string {
  return chooseMatmul(product, target).name;
}
