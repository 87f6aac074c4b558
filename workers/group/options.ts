/** What a worker group needs from its coordinator. */
import type { ChosenDevice } from "../../src/base/device_kinds.ts";
import type { UserError } from "../../src/base/user_error.ts";
import type { PinnedCard } from "../../src/cards/pin.ts";
import type { Loss, Rules } from "../../src/membership/types.ts";
import type { LaunchWorkers } from "../launch/processes.ts";
import type { Identity } from "../protocol/identity.ts";
import type { Order } from "../protocol/messages.ts";
import type { Answer } from "./link.ts";
import type { GroupProgress } from "./progress_totals.ts";

/** The quorum cannot go on: another one follows. */
export class Interrupted extends Error {}

/** Plain values of a journal's entry. */
export type Note = Readonly<Record<string, string | number | boolean | readonly number[]>>;

/** What a worker group needs. */
export interface WorkerGroupOptions {
  readonly launch: LaunchWorkers;
  readonly rules: Rules;
  /** A card for each worker slot; none where workers share the driver's first adapter. */
  readonly cards?: readonly PinnedCard[];
  /** Where the workers compute; by default where their orders say. */
  readonly device?: ChosenDevice;
  /** Whether workers may map memory into each other. */
  readonly maps?: boolean;
  /** Workers that are wanted at first. */
  readonly workers: number;
  /** Writes an entry to the journal. */
  readonly note: (kind: string, note: Note) => void;
  /** Largest payload of a reply type in bytes; 0 for replies without one. */
  readonly limit: (type: string) => number;
  /** The first order to a worker that has joined, and its payload. */
  readonly setUp: () => readonly [order: Order & { type: "setup" }, payload: Uint8Array];
  /** Receives the parts of a checkpoint as they arrive. */
  readonly part: (id: number, answer: Answer<"part" | "lane" | "saved">) => void;
  /** Called when the quorum is over: what its members were about to send will not arrive. */
  readonly interrupted: () => void;
  /**
   * The differences between a joining worker's identity and the run's, each in a few words; empty for a
   * worker that may join. A worker's identity becomes known in parts. Every worker may join by default.
   */
  readonly admit?: (worker: Partial<Identity>) => readonly string[];
  /** A worker that was to stay is lost. */
  readonly lost?: (loss: Loss) => void;
  /** A worker is rejected; `isLast`: no other is started after it. */
  readonly rejected?: (loss: Loss & { readonly isLast: boolean }) => void;
  /** The error text when no worker is left and each new one is rejected. */
  readonly stranded?: (why: string) => string;
  /** The run goes on with fewer workers than are wanted, for a new cause. */
  readonly short?: (why: string) => void;
  /** The data of the members is damaged; their states are intact. */
  readonly unreadable?: (fault: UserError) => void;
  /** The summed progress of the workers that the run waits for. */
  readonly progress?: (sum: GroupProgress) => void;
  /** Aborted when the run is to stop. */
  readonly stop: AbortSignal;
  /** Milliseconds on a steady clock. */
  readonly now: () => number;
}
