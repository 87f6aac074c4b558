/** The interface by which a coordinator starts and ends workers: processes, or in-process trainers in tests. */
import type { PinnedCard } from "../../src/cards/pin.ts";
import type { ChosenDevice } from "../../src/base/device_kinds.ts";
import type { FencedChannel } from "../../src/transport/channel.ts";

/** What happens to a worker's process. */
export type ProcessEvent =
  /** It has authenticated itself; the channel is in attempt 0. */
  | {
    readonly type: "joined";
    readonly id: number;
    readonly channel: FencedChannel;
    /** Files of its code that changed since the run began. */
    readonly changed?: readonly string[];
  }
  /** It is gone; `killed`: a signal ended it. */
  | {
    readonly type: "ended";
    readonly id: number;
    readonly why: string;
    readonly killed: boolean;
    /** Where it never joined: files of its code that changed since the run began. */
    readonly changed?: readonly string[];
  };

/** Signals to a worker's process. */
export type ProcessSignal = "SIGKILL" | "SIGSTOP" | "SIGCONT";

/** All workers of a run. */
export interface WorkerProcesses {
  /** Folder of the workers' sockets; undefined where they have none. */
  readonly folder?: string;
  /** Starts a worker; events report what becomes of it. */
  spawn(id: number, workerId: number): void;
  /** Recreates the sockets between workers where they were removed. Rejects if that fails. */
  mend?(): Promise<void>;
  /** Sends a signal to a worker; does nothing when it is gone. */
  signal(id: number, signal: ProcessSignal): void;
  /** Ends all workers. */
  close(): Promise<void>;
}

/** What worker processes are launched for. */
export interface LaunchOptions {
  /** Most workers at a time. */
  readonly workerIds: number;
  /** How many are wanted at first. */
  readonly workers: number;
  /** Folders that workers may read. */
  readonly reads?: readonly string[];
  /**
   * Files of the user's modules, which workers may read and import, by path, and the SHA-256 (hex) that
   * each had when the run began. None or absent: workers import no module.
   */
  readonly modules?: ReadonlyMap<string, string>;
  /** Where the workers compute; by default where their orders say. */
  readonly device?: ChosenDevice;
  /** Whether workers may call the C library, to map memory into each other. */
  readonly maps?: boolean;
  /** A card for each worker slot; none where workers share the driver's first adapter. */
  readonly cards?: readonly PinnedCard[];
}

/** Prepares the worker processes of a run; none is started yet. */
export type LaunchWorkers = (
  options: LaunchOptions,
  report: (event: ProcessEvent) => void,
) => Promise<WorkerProcesses>;
