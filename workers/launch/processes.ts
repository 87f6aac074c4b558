/** Workers as the coordinator starts and ends them, whatever they are made of. */
import type { PinnedCard } from "../../src/cards/pin.ts";
import type { FencedChannel } from "../../src/transport/channel.ts";

/** What happens to a worker outside of what it says. */
export type ProcessEvent =
  /** It has proven who it is; the channel is in attempt 0. */
  | {
    readonly type: "joined";
    readonly id: number;
    readonly channel: FencedChannel;
    /** Files of its code that are not as the run began with them; none where it has no files. */
    readonly changed?: readonly string[];
  }
  /** It is gone; `why` says how, `killed` that it was no deed of its own. */
  | {
    readonly type: "ended";
    readonly id: number;
    readonly why: string;
    readonly killed: boolean;
    /** Where it never joined: files of its code that are not as the run began with them. */
    readonly changed?: readonly string[];
  };

/** Signals that a crew sends. */
export type ProcessSignal = "SIGKILL" | "SIGSTOP" | "SIGCONT";

/** All workers of a run. */
export interface WorkerProcesses {
  /** Folder of the crew's sockets, where it has any. */
  readonly folder?: string;
  /** Starts a worker; events tell how it fares. */
  spawn(id: number, workerId: number): void;
  /** Recreates the sockets between workers where they were removed. Rejects if that fails. */
  mend?(): Promise<void>;
  /** Sends a signal to a worker; nothing happens when it is gone. */
  signal(id: number, signal: ProcessSignal): void;
  /** Ends all workers, whatever they do. */
  close(): Promise<void>;
}

/** What a crew is made for. */
export interface LaunchOptions {
  /** Most workers at a time. */
  readonly workerIds: number;
  /** How many are wanted at first. */
  readonly workers: number;
  /** Folders that workers may read. */
  readonly reads?: readonly string[];
  /** A card for each worker slot; none where workers share what the driver offers first. */
  readonly cards?: readonly PinnedCard[];
}

/** Makes a crew without workers. */
export type LaunchWorkers = (
  options: LaunchOptions,
  report: (event: ProcessEvent) => void,
) => Promise<WorkerProcesses>;
