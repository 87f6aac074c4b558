/** Workers in this process: trainers over memory channels, on any device. */
import type { CompileOptions, Device } from "../../src/device/types.ts";
import type { FencedChannel } from "../../src/transport/channel.ts";
import { memoryPair } from "../../src/transport/memory.ts";
import type {
  LaunchOptions,
  ProcessEvent,
  WorkerProcesses,
} from "../../workers/launch/processes.ts";
import type { Meet } from "../../workers/trainer/quorum.ts";
import { Lobby } from "../../workers/trainer/lobby.ts";
import { WorkerFaults } from "../../workers/faults/worker.ts";
import { train } from "../../workers/trainer/trainer.ts";

/** Worker processes that are trainers in this process. */
export interface MemoryProcesses extends WorkerProcesses {
  /** How each worker ended, by number: undefined, or the error that it threw. */
  readonly ends: ReadonlyMap<number, Promise<unknown>>;
}

/** Opens the device that a config asks for, for the worker of a number. */
export type OpenDevice = (kind: string, id: number, compiling: CompileOptions) => Promise<Device>;

/** Trainers in this process; each opens its device by `openDevice(kind, id, compiling)`. */
export function memoryProcesses(
  openDevice: OpenDevice,
  report: (event: ProcessEvent) => void,
): MemoryProcesses {
  const lobbies = new Map<number, Lobby>();
  const channels = new Map<number, FencedChannel[]>();
  const ends = new Map<number, Promise<unknown>>();

  const kill = (id: number) => channels.get(id)?.forEach((channel) => channel.close());
  const meetFor = (id: number, workerId: number): Meet => {
    const lobby = new Lobby();
    lobbies.set(workerId, lobby);
    return async ({ attempt, rank, members, signal, met }) =>
      await Promise.all(members.map(async ({ workerId: other }, peer) => {
        if (peer === rank) return undefined;
        if (peer > rank) {
          const channel = await lobby.meet(attempt, peer, signal);
          met(peer);
          return channel;
        }
        met(peer);
        const [mine, theirs] = memoryPair({ attempt });
        channels.get(id)?.push(mine);
        lobbies.get(other)?.enter(theirs, { attempt, rank });
        return mine;
      }));
  };
  return {
    ends,
    spawn(id, workerId) {
      const [end, coordinator] = memoryPair({ attempt: 0 });
      channels.set(id, [coordinator]);
      const meet = meetFor(id, workerId);
      const work = async () => {
        try {
          const faults = new WorkerFaults(coordinator);
          await train(
            { index: workerId, coordinator: faults.channel, meet, points: faults },
            faults.opening((kind, compiling) => openDevice(kind, id, compiling)),
          );
          return undefined;
        } catch (error) {
          return error;
        } finally {
          kill(id); // a process that ends closes its sockets
          report({ type: "ended", id, why: "it has ended", killed: false });
        }
      };
      ends.set(id, work());
      report({ type: "joined", id, channel: end });
    },
    signal(id, signal) {
      if (signal === "SIGKILL") kill(id);
    },
    close: async () => {
      for (const id of channels.keys()) kill(id);
      await Promise.all(ends.values());
    },
  };
}

/** A launch of such crews, and the last one that it made. */
export function memoryLaunch(openDevice: OpenDevice): {
  launch: (_: LaunchOptions, report: (event: ProcessEvent) => void) => Promise<MemoryProcesses>;
  processes: () => MemoryProcesses;
} {
  let made: MemoryProcesses | undefined;
  return {
    launch: (_, report) => Promise.resolve(made = memoryProcesses(openDevice, report)),
    processes: () => {
      if (made === undefined) throw new Error("Cannot give the processes: none were launched");
      return made;
    },
  };
}
