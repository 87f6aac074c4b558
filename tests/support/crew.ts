/** A crew in this process: trainers over memory channels, on any device. */
import type { Device } from "../../src/device/types.ts";
import type { Channel } from "../../src/transport/channel.ts";
import { memoryPair } from "../../src/transport/memory.ts";
import type { Crew } from "../../workers/crew.ts";
import { train } from "../../workers/trainer.ts";
import { memoryMesh } from "../reduce/mesh.ts";

/** A crew whose workers live in this process. */
export interface MemoryCrew extends Crew {
  /** How each worker ended: undefined, or the error that it threw. */
  readonly ends: readonly Promise<unknown>[];
  /** Cuts a worker off from everyone, as the death of its process would. */
  kill(rank: number): void;
}

/** Starts `world` workers; each opens its device by `openDevice(kind, rank)`. */
export async function memoryCrew(
  world: number,
  openDevice: (kind: string, rank: number) => Promise<Device>,
): Promise<MemoryCrew> {
  const mesh = await memoryMesh(world);
  const pairs = Array.from({ length: world }, () => memoryPair({ attempt: 0 }));
  const kill = (rank: number) => {
    pairs[rank]?.[1].close();
    mesh[rank]?.forEach((channel) => channel?.close());
  };
  const ends = pairs.map(async ([, coordinator], rank) => {
    const peers: readonly (Channel | undefined)[] = mesh[rank] ?? [];
    try {
      await train({ rank, world, coordinator, peers }, (kind) => openDevice(kind, rank));
      return undefined;
    } catch (error) {
      return error;
    } finally {
      kill(rank); // a process that ends closes its sockets
    }
  });
  return {
    channels: pairs.map(([end]) => end),
    ends,
    kill,
    close: async () => {
      pairs.forEach(([end]) => end.close());
      await Promise.all(ends);
    },
  };
}
