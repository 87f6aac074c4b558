/** Selects the tile of a recurrence's step from sizes and target alone, so that workers agree. */
import { ceilDiv } from "../../src/base/shape.ts";
import { CPU_LANES, sharesLanes } from "../../src/graph/target.ts";
import type { Target } from "../../src/graph/types.ts";

/** A tile and its grid. */
export interface StepTile {
  /** Rows of the batch and hidden units of one invocation. */
  readonly tile: readonly [number, number];
  /** Invocations along units and rows. */
  readonly group: readonly [number, number];
  /**
   * Lanes of a subgroup that share the rows of a tile: each loads its part and broadcasts it. The
   * workgroup is then one subgroup, along units.
   */
  readonly lanes?: number;
  readonly groups: readonly [number, number, number];
}

/** Largest first. With more than 128 sums an invocation spills registers and compiles slowly. */
const TILES = [[16, 8], [8, 8], [8, 4], [4, 8], [4, 4], [2, 4], [1, 4]] as const;
const MOST_SUMS = 128;
/** For subgroups of 8 on CPU drivers: loads are expensive, and lanes share those of rows. */
const LANE_TILES = [[32, 8], [32, 4], [16, 8], [16, 4], [8, 8], [8, 4], [4, 8], [4, 4]] as const;
const MOST_LANE_SUMS = 256;

/** Batch rows, hidden units, and sums per unit. */
interface StepSizes {
  readonly batch: number;
  readonly hidden: number;
  readonly own: number;
}

/** The tile for `own` sums per unit. */
export function stepTile({ batch, hidden, own }: StepSizes, target: Target): StepTile {
  const isCpu = target.kind === "cpu";
  if (sharesLanes(target)) {
    const tile = laneTile({ batch, hidden, own });
    if (tile !== undefined) return tile;
  }
  // Two workgroups of 8 invocations saturate a software driver's threads.
  const enough = isCpu ? 16 : 1 << 13;
  const rowsAtMost = 2 ** Math.ceil(Math.log2(batch));
  const fitting = TILES.filter(([rows, units]) =>
    rows <= rowsAtMost && rows * units * own <= MOST_SUMS
  );
  const invocations = ([rows, units]: readonly [number, number]) =>
    ceilDiv(batch, rows) * ceilDiv(hidden, units);
  const tile = fitting.find((t) => invocations(t) >= enough) ?? fitting.at(-1) ?? [1, 4];
  const [rows, columns] = [ceilDiv(batch, tile[0]), ceilDiv(hidden, tile[1])];
  const lanes = isCpu ? 8 : 16;
  const gx = columns >= lanes ? lanes : 2 ** Math.ceil(Math.log2(columns));
  const gy = isCpu ? 1 : Math.min(4, 2 ** Math.ceil(Math.log2(rows)));
  return { tile, group: [gx, gy], groups: [ceilDiv(columns, gx), ceilDiv(rows, gy), 1] };
}

/** The largest tile with at least two subgroups and at most 30 % of elements beyond the edge. */
function laneTile({ batch, hidden, own }: StepSizes): StepTile | undefined {
  for (const tile of LANE_TILES) {
    const [rows, units] = tile;
    const groups = [ceilDiv(hidden, CPU_LANES * units), ceilDiv(batch, rows), 1] as const;
    const covered = groups[0] * CPU_LANES * units * groups[1] * rows;
    if (rows * units * own > MOST_LANE_SUMS || batch * hidden < 0.7 * covered) continue;
    if (groups[0] * groups[1] < 2) continue;
    return { tile, group: [CPU_LANES, 1], lanes: Math.min(CPU_LANES, rows), groups };
  }
  return undefined;
}
