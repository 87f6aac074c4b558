/** What a training run is asked to do. */
import type { ChosenDevice } from "../../src/base/device_kinds.ts";
import type { PinnedCard } from "../../src/cards/pin.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import type { EventSink } from "../../src/report/events.ts";
import type { ModuleLimits } from "../../src/modules/check_module.ts";
import type { FaultPlan } from "../faults/schema.ts";
import type { LaunchWorkers } from "../launch/processes.ts";

/** A training run as the command line asks for it. */
export interface TrainingRequest {
  readonly config: RunConfig;
  /** False leaves the number of workers out of the stored config: a resume may take another. */
  readonly saysWorkers?: boolean;
  /** The run's folder. */
  readonly out: string;
  /** Go on from the newest good checkpoint in `out`. */
  readonly resume: boolean;
  /** Begin the run in `out` at step 0 again; what it recorded is kept under other names. */
  readonly restart?: boolean;
  /** Write through symbolic links in the run's folder, which are refused by default. */
  readonly followLinks?: boolean;
  readonly launch: LaunchWorkers;
  /** A card for each worker slot; none where workers share the driver's first adapter. */
  readonly cards?: readonly PinnedCard[];
  /** As in RunRequest. */
  readonly device?: ChosenDevice;
  /** Shows the run to a person. */
  readonly show: EventSink;
  /** Lines to show below the header. */
  readonly notices?: readonly string[];
  /** Aborted when the run is to end after its step. */
  readonly stop: AbortSignal;
  /** Time limits of the check of modules; default: those of the documentation. */
  readonly moduleLimits?: ModuleLimits;
  /** Faults to inject, for tests. */
  readonly faults?: FaultPlan;
}
