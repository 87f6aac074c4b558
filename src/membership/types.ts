/**
 * What the decisions about workers are made of. Times are milliseconds on a steady clock that the
 * caller reads; nothing here knows a process, a channel or the time of day.
 */

/** What a worker was told to do and has not answered yet. */
export type Section = "start" | "form" | "load" | "prove" | "step" | "evaluate" | "sample" | "save";

/** A worker from the start of its process until it is gone. */
export interface Member {
  /** Which incarnation it is: never given twice. */
  readonly id: number;
  /** Its place on the machine, given again once it is gone. */
  readonly workerId: number;
  /** Whether its process starts, waits to be taken in, or is part of the formation. */
  readonly phase: "starting" | "ready" | "serving";
  /** Whether it has the state of the last committed step. */
  readonly holds: boolean;
  /** Told to go at the next boundary. */
  readonly leaving: boolean;
  /** Undefined while nothing is asked of it. */
  readonly section: Section | undefined;
  /** Since when it is in its section. */
  readonly since: number;
  /** When it got further in a section of many parts, as an evaluation is; undefined if it never did. */
  readonly moved?: number;
  /** When it was heard last. */
  readonly heard: number;
  /** Members whose data it waits for, as it said last. */
  readonly waitsFor: readonly number[];
  /** Steps that were committed while it served. */
  readonly served: number;
  /** Milliseconds per micro-batch of its latest steps. */
  readonly speeds: readonly number[];
  /** Milliseconds that others waited for its data, the latest times. */
  readonly awaited: readonly number[];
}

/** A member's place in a formation. */
export interface QuorumMember {
  readonly id: number;
  readonly workerId: number;
  /** Micro-batches of a step that it computes. */
  readonly count: number;
  /** Whether it has the state; who has not copies it from one that does. */
  readonly holds: boolean;
}

/** All that is known of the workers of a run. */
export interface Membership {
  /** Number of the formation; frames of an older one are dropped. */
  readonly attempt: number;
  /** How many workers are wanted. */
  readonly target: number;
  readonly nextId: number;
  readonly members: readonly Member[];
  /** The formation by rank; empty before the first one. */
  readonly formed: readonly QuorumMember[];
  /** The formation cannot go on, though nobody of it is gone. */
  readonly broken: boolean;
  /** Shares that would be faster, by rank. */
  readonly shares: readonly number[] | undefined;
  /** When workers were lost. */
  readonly losses: readonly number[];
  /** Losses in a row of workers that never saw a step committed. */
  readonly barren: number;
  /** Refusals in a row: since one was taken in, a loss, or another number was wanted. */
  readonly refused: number;
  /** No worker is started before. */
  readonly spawnAt: number;
  /** Causes, without their numbers, that people were told of since a worker was ready last. */
  readonly told: readonly string[];
  /** Milliseconds that sections took, the latest ones. */
  readonly pace: Readonly<Partial<Record<Section, readonly number[]>>>;
  /** Committed steps since shares were weighed. */
  readonly sinceWeighed: number;
  readonly ticked: number;
}

/** What happened. */
export type MembershipEvent =
  /** A process has proven who it is. */
  | { readonly type: "joined"; readonly id: number }
  /** It has its plans, and could take part. */
  | { readonly type: "ready"; readonly id: number }
  /** A sign of life. */
  | {
    readonly type: "heard";
    readonly id: number;
    readonly waitsFor: readonly number[];
    /** It got further in its section. */
    readonly moved?: boolean;
  }
  /** It was told to do something. */
  | { readonly type: "ordered"; readonly id: number; readonly section: Section }
  /** It has done what it was told. */
  | { readonly type: "answered"; readonly id: number }
  /** It has computed its micro-batches of a step, and waited for the data of each rank. */
  | {
    readonly type: "computed";
    readonly id: number;
    readonly ms: number;
    readonly waited: readonly number[];
  }
  /** Its process or its channel has ended, or it must not go on. */
  | { readonly type: "lost"; readonly id: number; readonly why: string }
  /** It is not as the run is, and must not take part. */
  | { readonly type: "refused"; readonly id: number; readonly why: string }
  /** A conversation between members failed. */
  | { readonly type: "broken"; readonly id: number; readonly why: string }
  /** All of the formation have the state, or none of it has. */
  | { readonly type: "settled"; readonly holds: boolean }
  | { readonly type: "committed" }
  /** Another number of workers is wanted. */
  | { readonly type: "want"; readonly workers: number }
  /** Between two steps: the formation may change. */
  | { readonly type: "boundary" }
  | { readonly type: "tick" };

/** What is to be done. */
export type Command =
  | { readonly type: "spawn"; readonly id: number; readonly workerId: number }
  | { readonly type: "kill"; readonly id: number; readonly why: string }
  /** Let a worker go that is no longer wanted. */
  | { readonly type: "release"; readonly id: number }
  | { readonly type: "form"; readonly attempt: number; readonly places: readonly QuorumMember[] }
  | { readonly type: "give_up"; readonly why: string }
  /** No worker is left, and each new one is refused. */
  | { readonly type: "strand"; readonly why: string };

/** A decision: the next state, what to do, and why, in one line each. */
export interface Decision {
  readonly state: Membership;
  readonly commands: readonly Command[];
  readonly reasons: readonly string[];
  /** Workers that are lost by this, for people: who is let go as wanted is none of them. */
  readonly losses?: readonly Loss[];
  /** Why the run goes on with fewer workers than are wanted, for people: each cause once. */
  readonly shortages?: readonly string[];
}

/** A worker that is lost, and why. */
export interface Loss {
  readonly id: number;
  readonly why: string;
}

/** What decisions go by. */
export interface Rules {
  /** Micro-batches of a step. */
  readonly microBatches: number;
  /** Losses within `window` ms that are made good; with more, who is left goes on alone. */
  readonly restarts: number;
  readonly window: number;
  /** Without a sign of life for this long, ms, a worker may be hung. */
  readonly silence: number;
  /** The same while nothing is asked of it. */
  readonly idle: number;
  /** Shortest deadline of a section, ms. */
  readonly floor: number;
  /** Deadline of a section that was never measured, ms. */
  readonly unmeasured: number;
  /** Deadline of a measured section, as a multiple of its 95th percentile. */
  readonly factor: number;
  /** Wait before the second start in a row of a worker that came to nothing, ms; it doubles. */
  readonly backoff: number;
  readonly longestBackoff: number;
  /** Between two ticks, ms; a longer gap is the coordinator's own. */
  readonly tick: number;
  /** Committed steps between two weighings of shares. */
  readonly weighEvery: number;
  /** Part of the step's time that other shares must save. */
  readonly gain: number;
}

/** The rules unless a run or a test says otherwise. */
export const MEMBERSHIP_RULES: Omit<Rules, "microBatches"> = {
  restarts: 10,
  window: 600_000,
  silence: 2000,
  idle: 10_000,
  floor: 5000,
  unmeasured: 120_000,
  factor: 8,
  backoff: 250,
  longestBackoff: 30_000,
  tick: 100,
  weighEvery: 16,
  gain: 0.25,
};
