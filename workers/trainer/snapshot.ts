/** A worker's part of a checkpoint: copied first, so that training goes on while it is sent. */
import { bytesOf } from "../../src/base/hash.ts";
import { sliceOf } from "../../src/reduce/slices.ts";
import type { Quorum } from "./quorum.ts";
import type { Reply } from "../protocol/messages.ts";
import type { Replica } from "../../src/engine/replica.ts";
import { stateBuckets } from "../../src/engine/state.ts";
import type { WorkerState } from "./worker_state.ts";

/** Elements of a part: a vote waits while one is sent. */
const LENGTH = 2 ** 20;

/** One message of a snapshot. */
export interface SnapshotPart {
  readonly reply: Reply & { readonly type: "part" | "lane" };
  readonly data: Float32Array;
}

/** Copies this rank's slice of every vector, and the carried states of its own micro-batches. */
export async function snapshot(
  model: Replica,
  { rank, world, indices }: Quorum,
): Promise<SnapshotPart[]> {
  const parts: SnapshotPart[] = [];
  for (const { vector, bucket, length: size } of stateBuckets(model.layout, model.vectors)) {
    const { start, end } = sliceOf(size, world, rank);
    if (end === start) continue;
    const data = await model.read(vector, bucket, { offset: start, length: end - start });
    for (let i = 0; i < data.length; i += LENGTH) {
      const reply = { type: "part", vector, bucket, start: start + i } as const;
      parts.push({ reply, data: data.subarray(i, i + LENGTH) });
    }
  }
  for (const index of model.laneSize > 0 ? indices : []) {
    parts.push({ reply: { type: "lane", index }, data: await model.readLanes([index]) });
  }
  return parts;
}

/** Sends a snapshot and replies `saved`, unless the quorum ends meanwhile. */
export async function sendSnapshot(
  worker: WorkerState,
  { parts, quorum }: { readonly parts: readonly SnapshotPart[]; readonly quorum: Quorum },
): Promise<void> {
  for (const { reply, data } of parts) {
    await worker.pass("save");
    if (quorum.isOver) return;
    await worker.reply(reply, bytesOf(data));
  }
  if (!quorum.isOver) await worker.reply({ type: "saved" });
}
