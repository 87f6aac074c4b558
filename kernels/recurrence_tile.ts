/** Which tile a step of a recurrence gets: sizes and target decide, so that all workers agree. */
import { ceilDiv } from "../src/base/shape.ts";
import type { Target } from "../src/graph/types.ts";

/** A tile and its grid. */
export interface StepTile {
  /** Rows of the batch and hidden units of one invocation. */
  readonly tile: readonly [number, number];
  /** Invocations along units and rows. */
  readonly group: readonly [number, number];
  readonly groups: readonly [number, number, number];
}

/** Largest first. Beyond 128 sums an invocation runs out of registers and compiles for long. */
const TILES = [[16, 8], [8, 8], [8, 4], [4, 8], [4, 4], [2, 4], [1, 4]] as const;
const MOST_SUMS = 128;

/** The tile for `own` sums of each unit. */
export function stepTile(
  { batch, hidden, own }: { batch: number; hidden: number; own: number },
  target: Target,
): StepTile {
  const isCpu = target.kind === "cpu";
  // Two workgroups of 8 lanes keep a software driver's threads busy.
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
