/** A worker's part of a checkpoint, copied so that training can go on while it is sent. */
import { sliceOf } from "../../src/reduce/slices.ts";
import type { Quorum } from "./quorum.ts";
import type { Reply } from "../protocol/messages.ts";
import type { Replica } from "../../src/engine/replica.ts";

/** Elements of a part: votes must not wait long behind one. */
const LENGTH = 2 ** 20;

/** What is sent of a state. */
export interface SnapshotPart {
  readonly reply: Reply & { readonly type: "part" | "lane" };
  readonly data: Float32Array;
}

/** Copies this rank's slice of every vector, and what its own micro-batches carry. */
export async function snapshot(
  model: Replica,
  { rank, world, indices }: Quorum,
): Promise<SnapshotPart[]> {
  const parts: SnapshotPart[] = [];
  for (const vector of model.vectors) {
    for (const [bucket, size] of model.layout.buckets.entries()) {
      const { start, end } = sliceOf(size, world, rank);
      if (end === start) continue;
      const data = await model.read(vector, bucket, { offset: start, length: end - start });
      for (let i = 0; i < data.length; i += LENGTH) {
        const reply = { type: "part", vector, bucket, start: start + i } as const;
        parts.push({ reply, data: data.subarray(i, i + LENGTH) });
      }
    }
  }
  for (const index of model.laneSize > 0 ? indices : []) {
    parts.push({ reply: { type: "lane", index }, data: await model.readLanes([index]) });
  }
  return parts;
}
