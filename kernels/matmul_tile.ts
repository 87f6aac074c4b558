/** Which tile a product gets: sizes and target decide, nothing else, so that every worker agrees. */
import { ceilDiv } from "../src/base/shape.ts";
import type { Target } from "../src/graph/types.ts";
import type { MatmulKernel } from "./matmul_wgsl.ts";

/** Rows M, columns N and inner size K of a product. */
export interface Sizes {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

type Tiles = readonly (readonly [number, number])[];

/** Largest first. Beyond 16 x 8 the gain is small and the compile time doubles. */
const CPU_TILES: Tiles = [[16, 8], [8, 8], [4, 8], [4, 4]];
/** A transposed a is read along M: a wide tile asks less of it. */
const CPU_TILES_TA: Tiles = [[8, 16], [8, 8], [4, 8], [4, 4]];
const GPU_TILES: Tiles = [[8, 8], [4, 8], [4, 4]];
/**
 * Of subgroups of 8 on CPU drivers, whose loads are dear: a lane loads an eighth of the rows, so
 * twice as many can be multiplied with a column that was loaded. A transposed a needs whole quads.
 */
const LANES = 8;
const LANE_TILES: Tiles = [[32, 8], [32, 4], [16, 4], [8, 4]];
const LANE_TILES_TA: Tiles = [[32, 8], [32, 4]];

/** The tile and workgroup for given sizes; `ta`: a is stored [K, M]. */
export function chooseTile(
  { m, n, ta }: Pick<Sizes, "m" | "n"> & { readonly ta: boolean },
  target: Target,
): Pick<MatmulKernel, "tile" | "group" | "lanes"> {
  const isCpu = target.kind === "cpu";
  if (isCpu && target.lanes === LANES) {
    const tile = laneTile({ m, n }, ta ? LANE_TILES_TA : LANE_TILES);
    if (tile !== undefined) return { tile, group: [LANES, 1], lanes: LANES };
  }
  const [tiles, enough] = isCpu ? [ta ? CPU_TILES_TA : CPU_TILES, 64] : [GPU_TILES, 1 << 15];
  const invocations = ([tm, tn]: readonly [number, number]) => ceilDiv(m, tm) * ceilDiv(n, tn);
  const tile = tiles.find((t) => invocations(t) >= enough) ?? [4, 4];
  const columns = ceilDiv(n, tile[1]);
  const lanes = isCpu ? 8 : 16;
  const gx = columns >= lanes ? lanes : 2 ** Math.ceil(Math.log2(columns));
  return { tile, group: [gx, (isCpu ? 32 : 128) / gx] };
}

/** The largest tile of which enough subgroups are at work, and few of their elements idle. */
function laneTile(
  { m, n }: Pick<Sizes, "m" | "n">,
  tiles: Tiles,
): readonly [number, number] | undefined {
  return tiles.find(([tm, tn]) => {
    const [rows, columns] = [ceilDiv(m, tm), ceilDiv(n, LANES * tn)];
    return rows * columns >= 8 && m * n >= 0.7 * rows * tm * columns * LANES * tn;
  });
}
