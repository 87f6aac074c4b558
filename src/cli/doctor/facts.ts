/** The facts of a machine that a run depends on, as plain values. */
import type { ChosenDevice } from "../../base/device_kinds.ts";
import type { ExitName } from "../../base/user_error.ts";
import type { Card } from "../../cards/card.ts";
import type { Pin } from "../../cards/pin.ts";
import type { Bandwidths } from "../../device/bandwidth.ts";
import type { Numerics } from "../../device/numerics.ts";
import type { Survey } from "../../device/survey.ts";

/** An adapter, looked at from all sides. */
export interface Look extends Survey {
  readonly numerics: Numerics;
  readonly bandwidths: Bandwidths;
}

/** Something that failed, in a line, and the exit that a run would end with for it. */
export interface Failure {
  readonly message: string;
  readonly exit: ExitName;
}

/** The value of a measurement, or the reason that it failed. */
export type CheckOutcome<T> = { readonly value: T } | { readonly failure: Failure };

/** A card, its pin, and whether a process with that pin was seen to be there. */
export interface PinnedFact extends Card {
  readonly pin: Pin | null;
  /** Null where no pin is set. */
  readonly heeded: boolean | null;
}

/** Cards of the machine. */
export interface CardFacts {
  readonly cards: readonly PinnedFact[];
  readonly unseen: readonly Card[];
  /** Mesa's device-select layer is there. */
  readonly layer: boolean;
  /** The system lists a card that can compute, even if Vulkan does not. */
  readonly renderNode: boolean;
}

/** A disk that checkpoints go to. */
export interface DiskFacts {
  readonly folder: string;
  readonly freeBytes: number;
  /** Of a file that is written and synced. */
  readonly bytesPerSecond: number;
}

/** All that is known. */
export interface Facts {
  readonly deno: { readonly version: string; readonly tested: boolean };
  readonly machine: { readonly cores: number; readonly memoryBytes: number };
  /** The CPU device: its class, and whether workers get V8's flags for pairs of vectors. */
  readonly cpu: { readonly kernels: string; readonly pairs: boolean };
  /** Variables that are set and reach drivers and workers. */
  readonly variables: Readonly<Record<string, string>>;
  readonly cards: CardFacts;
  /** Where a run of one worker computes, and the notices that it prints about that. */
  readonly run: CheckOutcome<{
    readonly device: ChosenDevice["kind"];
    readonly notices: readonly string[];
  }>;
  /** The adapter of a run's first worker; null where there is none. */
  readonly adapter: CheckOutcome<Look | null>;
  /** OpenGL's adapter, where a run gets none: it is there and not taken unasked. Else null. */
  readonly openGl: string | null;
  /** Bytes per second through a Unix socket between two processes. */
  readonly socket: CheckOutcome<{ readonly bytesPerSecond: number }>;
  /** Bytes per second through a file that workers share, and through memory that they map. */
  readonly shared: {
    readonly file: CheckOutcome<{ readonly bytesPerSecond: number }>;
    readonly mapped: CheckOutcome<{ readonly bytesPerSecond: number }>;
  };
  readonly disk: CheckOutcome<DiskFacts>;
  /** What a run must be allowed to do, and is not. */
  readonly missing: readonly string[];
}
