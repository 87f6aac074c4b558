/**
 * Copies the whole state from one worker to another: parameters and moments bucket by bucket, then the
 * carried states. The coordinator compares the hashes of all states afterwards.
 */
import { bytesOf } from "../../src/base/hash.ts";
import { ChannelError } from "../../src/transport/channel.ts";
import type { Channel, Header } from "../../src/transport/channel.ts";
import { floatsOf } from "../protocol/payload.ts";
import type { Replica } from "../../src/engine/replica.ts";
import { stateBuckets } from "../../src/engine/state.ts";

/** Sends the state of `model`; `lanes`: the carried states of all micro-batches, in order. */
export async function sendState(
  channel: Channel,
  { model, lanes }: { model: Replica; lanes: Float32Array },
): Promise<void> {
  for (const { vector, bucket, length } of stateBuckets(model.layout, model.vectors)) {
    const data = await model.read(vector, bucket, { offset: 0, length });
    await channel.send({ type: "state", vector, bucket }, bytesOf(data));
  }
  if (lanes.length > 0) await channel.send({ type: "lanes" }, bytesOf(lanes));
}

/** Receives what {@linkcode sendState} sends, into `model` and `lanes`. */
export async function receiveState(
  channel: Channel,
  { model, lanes }: { model: Replica; lanes: Float32Array },
): Promise<void> {
  for (const { vector, bucket, length } of stateBuckets(model.layout, model.vectors)) {
    const into = new Float32Array(length);
    await receive(channel, { type: "state", vector, bucket }, into);
    model.write(vector, bucket, into);
  }
  if (lanes.length > 0) await receive(channel, { type: "lanes" }, lanes);
}

async function receive(channel: Channel, expected: Header, into: Float32Array): Promise<void> {
  const frame = await channel.receive((header) => {
    const fits = Object.keys(expected).every((key) => header[key] === expected[key]);
    if (!fits) {
      throw new ChannelError(`Cannot copy the state: needs ${show(expected)}: got ${show(header)}`);
    }
    return bytesOf(into);
  });
  if (frame === undefined) throw new ChannelError("Cannot copy the state: the donor has left");
  if (floatsOf(frame.payload).length !== into.length) {
    throw new ChannelError(`Cannot copy the state: needs ${show(expected)}: got nothing`);
  }
}

/** At most 200 characters of a header. */
function show(header: Header): string {
  return JSON.stringify(header).slice(0, 200);
}
