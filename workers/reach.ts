/** How far a gradient reaches back: which losses are asked, and norms from those of single windows. */
import { IGNORE } from "../src/base/ignore.ts";
import type { Batch, Task } from "../src/data/source.ts";
import type { Program } from "../src/device/types.ts";
import type { Feed } from "./feed.ts";
import { REACH } from "./plans.ts";

/**
 * Norms over a batch of the gradient of the last position's loss with respect to the last layer's
 * h_t, for t = T, T - 1, ... 1, from states of zero.
 */
export async function measureReach(
  { feed, program }: { feed: Feed; program: Program },
  batch: Batch,
  { time, asked }: Pick<Task, "time" | "asked">,
): Promise<Float32Array> {
  const isLast = (i: number) => asked === "one" || i % time === time - 1;
  const targets = batch.targets.map((t, i) => isLast(i) ? t : IGNORE);
  feed.bring({ ...batch, targets, fresh: true }, (name) => name);
  program.run();
  const windows = batch.inputs.length / time;
  const length = windows * (time + 1);
  return normsBack(await feed.memory.read([{ slot: REACH, offset: 0, length }]), time);
}

/**
 * Norms over all windows of a batch for t = T, T - 1, ... 1, from norms [B, T + 1] of the single
 * windows, whose first column belongs to the state before the first step.
 */
export function normsBack(norms: Float32Array, time: number): Float32Array {
  const columns = time + 1;
  const squares = new Float64Array(columns);
  norms.forEach((norm, i) => squares[i % columns] = (squares[i % columns] as number) + norm * norm);
  return Float32Array.from(
    { length: time },
    (_, back) => Math.sqrt(squares[time - back] as number),
  );
}
