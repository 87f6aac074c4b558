/**
 * Types of the membership state machine: state, events, commands, rules. Times are milliseconds of
 * a monotonic clock.
 */

/** The outstanding request of a worker; each kind has its own deadline. */
export type Section = "start" | "form" | "load" | "prove" | "step" | "evaluate" | "sample" | "save";

/** A worker, from the start of its process to its end. */
export interface Member {
  /** Identifies the incarnation; never reused. */
  readonly id: number;
  /** Its worker slot, which its replacement reuses. */
  readonly workerId: number;
  /** Its process is starting, it is ready to be admitted, or it is part of the quorum. */
  readonly phase: "starting" | "ready" | "serving";
  /** Whether it has the state of the last committed step. */
  readonly holds: boolean;
  /** Leaves at the next boundary. */
  readonly leaving: boolean;
  /** Undefined while idle. */
  readonly section: Section | undefined;
  /** When its section began. */
  readonly since: number;
  /** When it last reported progress within a long section, such as an evaluation. */
  readonly moved?: number;
  /** When the last heartbeat arrived. */
  readonly heard: number;
  /** Members whose data it waits for, according to its last heartbeat. */
  readonly waitsFor: readonly number[];
  /** Steps committed while it served. */
  readonly served: number;
  /** Milliseconds per micro-batch in its latest steps. */
  readonly speeds: readonly number[];
  /** Milliseconds that others waited for its data in the latest steps. */
  readonly waits: readonly number[];
}

/** A member of a quorum; its index is its rank. */
export interface QuorumMember {
  readonly id: number;
  readonly workerId: number;
  /** Micro-batches that it computes in each step. */
  readonly count: number;
  /** Whether it has the training state; if not, it copies the state from a member that has. */
  readonly holds: boolean;
}

/** The state of a run's worker group. */
export interface Membership {
  /** Epoch of the quorum; frames of an earlier epoch are dropped. */
  readonly attempt: number;
  /** The requested number of workers. */
  readonly target: number;
  readonly nextId: number;
  readonly members: readonly Member[];
  /** The current quorum by rank; empty before the first. */
  readonly formed: readonly QuorumMember[];
  /** A connection within the quorum failed, though no member is lost. */
  readonly broken: boolean;
  /** Faster shares by rank, to take effect with the next quorum. */
  readonly shares: readonly number[] | undefined;
  /** Times of the losses within the restart window. */
  readonly losses: readonly number[];
  /** Consecutive losses of workers that served no committed step. */
  readonly unproductiveLosses: number;
  /**
   * Consecutive refusals; an admitted worker, a loss of a serving one or a new target resets it.
   */
  readonly refused: number;
  /** Earliest time of the next start. */
  readonly spawnAt: number;
  /** Causes of shortages reported since a worker was last ready, with their numbers masked. */
  readonly reportedCauses: readonly string[];
  /** The latest durations of each section, ms. */
  readonly durations: Readonly<Partial<Record<Section, readonly number[]>>>;
  /** Committed steps since the shares were last checked. */
  readonly sinceRebalance: number;
  readonly lastTick: number;
}

/** An input of the state machine. */
export type MembershipEvent =
  /** A process has authenticated. */
  | { readonly type: "joined"; readonly id: number }
  /** It has compiled its plans and can be admitted. */
  | { readonly type: "ready"; readonly id: number }
  /** A heartbeat. */
  | {
    readonly type: "heard";
    readonly id: number;
    readonly waitsFor: readonly number[];
    /** It has made progress within its section. */
    readonly moved?: boolean;
  }
  /** A request was sent to it. */
  | { readonly type: "ordered"; readonly id: number; readonly section: Section }
  /** It has completed its request. */
  | { readonly type: "answered"; readonly id: number }
  /** It has computed its micro-batches of a step; `waited` is its wait for each rank's data, ms. */
  | {
    readonly type: "computed";
    readonly id: number;
    readonly ms: number;
    readonly waited: readonly number[];
  }
  /** Its process or channel has ended, or it was found faulty. */
  | { readonly type: "lost"; readonly id: number; readonly why: string }
  /** Its identity (code, config, data) differs from the run's, so it must not be admitted. */
  | { readonly type: "refused"; readonly id: number; readonly why: string }
  /** A connection between members failed. */
  | { readonly type: "broken"; readonly id: number; readonly why: string }
  /** Either every member of the quorum has the state, or none has. */
  | { readonly type: "settled"; readonly holds: boolean }
  | { readonly type: "committed" }
  /** The user requests another number of workers. */
  | { readonly type: "want"; readonly workers: number }
  /** Between two steps, where the quorum may change. */
  | { readonly type: "boundary" }
  | { readonly type: "tick" };

/** An action for the caller to carry out. */
export type Command =
  | { readonly type: "spawn"; readonly id: number; readonly workerId: number }
  | { readonly type: "kill"; readonly id: number; readonly why: string }
  /** End a worker that is no longer wanted. */
  | { readonly type: "release"; readonly id: number }
  | { readonly type: "form"; readonly attempt: number; readonly places: readonly QuorumMember[] }
  | { readonly type: "give_up"; readonly why: string }
  /** End the run: no worker is left, and new ones are refused. */
  | { readonly type: "strand"; readonly why: string };

/** The next state, the actions, and one line for each reason. */
export interface Decision {
  readonly state: Membership;
  readonly commands: readonly Command[];
  readonly reasons: readonly string[];
  /** Workers lost by this event, to report; released workers are not among them. */
  readonly losses?: readonly Loss[];
  /** Why the run continues with fewer workers than requested, to report; each cause once. */
  readonly shortages?: readonly string[];
}

/** A lost worker, and why. */
export interface Loss {
  readonly id: number;
  readonly why: string;
}

/** Parameters of the decisions. */
export interface Rules {
  /** Micro-batches per step. */
  readonly microBatches: number;
  /** Losses within `window` ms that are replaced; beyond that, the remaining workers continue. */
  readonly restarts: number;
  readonly window: number;
  /** Heartbeat timeout of a busy worker, ms. */
  readonly silence: number;
  /** Heartbeat timeout of an idle worker, ms. */
  readonly idle: number;
  /** Shortest deadline of a section, ms. */
  readonly floor: number;
  /** Deadline of a section with no measured duration, ms. */
  readonly unmeasured: number;
  /** Deadline of a section as a multiple of its 95th percentile. */
  readonly factor: number;
  /** Initial backoff after consecutive unproductive losses, ms; it doubles. */
  readonly backoff: number;
  readonly longestBackoff: number;
  /** Tick interval, ms; a much longer gap means that the coordinator was suspended. */
  readonly tick: number;
  /** Committed steps between two checks of the shares. */
  readonly rebalanceEvery: number;
  /** Fraction of the step time that new shares must save. */
  readonly gain: number;
}

/** Default rules. */
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
  rebalanceEvery: 16,
  gain: 0.25,
};
