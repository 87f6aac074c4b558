/** Gives the members of a quorum regions of shared memory to exchange payloads through. */
import { join } from "node:path";
import type { SharedMemory } from "../../src/reduce/shared.ts";
import { type Channel, ChannelError } from "../../src/transport/channel.ts";
import { OwnRegion, PeerRegion } from "../../src/transport/region.ts";

/** Names of regions: those of a peer are paths of this process, so nothing else is taken. */
const NAME = /^region-\d+-\d+$/;

/** Where the own region is made. */
export interface SharePlace {
  /** A folder that all members read and write. */
  readonly folder: string;
  readonly attempt: number;
  readonly rank: number;
  /** Bytes of the own region; 0 for none. */
  readonly bytes: number;
}

/**
 * Makes the own region, opens those of the others, and removes its name once all have opened it. A
 * region that cannot be made or opened is left out: those payloads travel in their frames. `heard` is
 * told each rank whose answer is there.
 * @throws {ChannelError} when a member leaves meanwhile.
 */
export async function openShared(
  peers: readonly (Channel | undefined)[],
  { folder, attempt, rank, bytes }: SharePlace,
  heard: (rank: number) => void = () => {},
): Promise<SharedMemory | undefined> {
  using opened = new DisposableStack();
  const name = `region-${attempt}-${rank}`;
  const own = bytes === 0 ? undefined : OwnRegion.create(join(folder, name), bytes);
  if (own !== undefined) opened.use(own);
  const names = await exchanged(peers, { type: "region", name: own === undefined ? "" : name });
  const regions = names.map((header) => {
    const path = String(header?.["name"] ?? "");
    const region = NAME.test(path) ? PeerRegion.open(join(folder, path)) : undefined;
    return region && opened.use(region);
  });
  const answers = await exchanged(
    peers,
    (other) => ({ type: "region_read", reads: regions[other] !== undefined }),
    heard,
  );
  own?.unlink();
  if (own === undefined && regions.every((region) => region === undefined)) return undefined;
  opened.move(); // from here on closeShared() releases all
  return {
    own,
    peers: regions,
    read: answers.map((header) => own !== undefined && header?.["reads"] === true),
  };
}

/** Releases the regions of an attempt. */
export function closeShared({ own, peers }: SharedMemory): void {
  own?.[Symbol.dispose]();
  for (const region of peers) region?.[Symbol.dispose]();
}

type Message = { readonly type: string; readonly [key: string]: string | boolean };

/** Sends a message to all peers, and returns theirs of the same type by rank. */
async function exchanged(
  peers: readonly (Channel | undefined)[],
  message: Message | ((other: number) => Message),
  heard: (rank: number) => void = () => {},
) {
  return await Promise.all(peers.map(async (channel, other) => {
    if (channel === undefined) return undefined;
    const own = typeof message === "function" ? message(other) : message;
    await channel.send(own);
    const frame = await channel.receive();
    if (frame?.header.type === own.type) {
      heard(other);
      return frame.header;
    }
    const got = frame === undefined ? "it has left" : `got ${frame.header.type}`;
    throw new ChannelError(`Cannot share memory with rank ${other}: needs its ${own.type}: ${got}`);
  }));
}
