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

/** Largest first. Beyond 16 x 8 the gain is small and the compile time doubles. */
const CPU_TILES: readonly (readonly [number, number])[] = [[16, 8], [8, 8], [4, 8], [4, 4]];
const GPU_TILES: readonly (readonly [number, number])[] = [[8, 8], [4, 8], [4, 4]];

/** The tile and workgroup for given sizes. */
export function chooseTile({ m, n }: Sizes, target: Target): Pick<MatmulKernel, "tile" | "group"> {
  const [tiles, enough] = target.kind === "cpu" ? [CPU_TILES, 64] : [GPU_TILES, 1 << 15];
  const invocations = ([tm, tn]: readonly [number, number]) => ceilDiv(m, tm) * ceilDiv(n, tn);
  const tile = tiles.find((t) => invocations(t) >= enough) ?? [4, 4];
  const columns = ceilDiv(n, tile[1]);
  const lanes = target.kind === "cpu" ? 8 : 16;
  const gx = columns >= lanes ? lanes : 2 ** Math.ceil(Math.log2(columns));
  const gy = (target.kind === "cpu" ? 32 : 128) / gx;
  return { tile, group: [gx, gy] };
}
